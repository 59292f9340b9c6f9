using Souk.Catalog;
using Souk.Catalog.V1;
using Souk.Identity;
using Souk.Inventory;
using Souk.Inventory.V1;
using Souk.Options.V1;
using Souk.Ordering;
using Souk.Ordering.V1;
using Souk.Payments;
using Souk.Shared;
using Souk.Tests.Catalog;
using Souk.Tests.Harness;
using Souk.Type;
using CartHost = Souk.Cart.CartHost;
using CartService = Souk.Cart.V1.CartService;
using CatalogService = Souk.Catalog.V1.CatalogService;
using InventoryService = Souk.Inventory.V1.InventoryService;
using Money = Souk.Type.Money;
using OrderingService = Souk.Ordering.V1.OrderingService;
using PaymentsService = Souk.Payments.V1.PaymentsService;

namespace Souk.Tests.Ordering;

/// <summary>Ordering with everything that a checkout needs: the real services, on real sidecars.</summary>
internal sealed class OrderingMesh : IAsyncDisposable
{
    private readonly TestMesh _mesh = new();
    private readonly OrderingSettings _settings;

    private OrderingMesh(OrderingSettings settings) => _settings = settings;

    internal TestService Ordering { get; private set; } = null!;

    internal TestService Payments { get; private set; } = null!;

    internal TestService Inventory { get; private set; } = null!;

    internal ManualTimeProvider Clock => _mesh.Clock;

    internal TestBus Bus => _mesh.Bus;

    internal TestCaller Seller { get; } = TestCaller.Seller();

    internal OrderingService.OrderingServiceClient Staff => As(TestCaller.Operator());

    internal static async Task<OrderingMesh> StartAsync(int graceSeconds = 0)
    {
        var mesh = new OrderingMesh(new OrderingSettings(graceSeconds));
        await mesh._mesh.StartSidecarAsync("catalog", "cart", "inventory", "ordering");
        await mesh._mesh.AddAsync("identity", IdentityHost.Configure);
        await mesh._mesh.AddAsync("catalog", CatalogHost.Configure);
        await mesh._mesh.AddAsync("cart", CartHost.Configure);
        mesh.Inventory = await mesh._mesh.AddAsync("inventory", InventoryHost.Configure);
        mesh.Payments = await mesh._mesh.AddAsync("payments", PaymentsHost.Configure);
        mesh.Ordering = await mesh._mesh.AddAsync("ordering", OrderingHost.Configure, mesh.Override);
        return mesh;
    }

    /// <summary>
    /// A second ordering on the same database whose sidecar is not there: it takes orders, but starts
    /// nothing.
    /// </summary>
    internal async Task<OrderingService.OrderingServiceClient> AddWithoutSidecarAsync(TestCaller caller)
    {
        const string name = "ordering-alone";
        await _mesh.AddAsync(
            name,
            OrderingHost.Configure,
            Override,
            settings =>
                settings with
                {
                    AppId = "ordering",
                    Database = Ordering.Settings.Database,
                    AppPort = 0,
                    DaprGrpcPort = 1,
                }
        );
        return _mesh.Client<OrderingService.OrderingServiceClient>(name, caller);
    }

    internal OrderingService.OrderingServiceClient As(TestCaller caller) =>
        _mesh.Client<OrderingService.OrderingServiceClient>("ordering", caller);

    internal CartService.CartServiceClient CartOf(TestCaller caller) =>
        _mesh.Client<CartService.CartServiceClient>("cart", caller);

    internal PaymentsService.PaymentsServiceClient PaymentsOf(TestCaller caller) =>
        _mesh.Client<PaymentsService.PaymentsServiceClient>("payments", caller);

    internal Task DeliverEventsAsync() => _mesh.DeliverEventsAsync();

    /// <summary>The events on a topic that a check picks.</summary>
    internal async Task<IReadOnlyList<T>> EventsAsync<T>(string topic, Func<T, bool> isWanted)
        where T : class, Google.Protobuf.IMessage<T>, new()
    {
        await DeliverEventsAsync();
        return [.. Bus.On<T>(topic).Where(isWanted)];
    }

    /// <summary>Lists a product of one variant with stock; the SKU.</summary>
    internal async Task<string> GoodsAsync(long stock = 10, string amount = "25.00", string currency = "USD")
    {
        var product = await DraftAsync(amount, currency);
        await Catalog(TestCaller.New(Role.Moderator))
            .ApproveProductAsync(new ApproveProductRequest { ProductId = product.ProductId });
        var sku = product.Variants[0].Sku;
        await _mesh
            .Client<InventoryService.InventoryServiceClient>("inventory", Seller)
            .ReceiveStockAsync(
                new ReceiveStockRequest
                {
                    Sku = sku,
                    WarehouseId = "WH001",
                    Quantity = stock,
                    DocumentId = $"delivery of {sku}",
                }
            );
        return sku;
    }

    /// <summary>Gives what is sold under a SKU another price.</summary>
    internal async Task RepriceAsync(string sku, string amount)
    {
        var product = await ProductOfAsync(sku);
        product.Price.Amount = new Money { Amount = amount };
        await Catalog(Seller).UpdateProductAsync(product.ToUpdate());
    }

    /// <summary>Takes what is sold under a SKU off sale for good.</summary>
    internal async Task DeleteAsync(string sku)
    {
        var product = await ProductOfAsync(sku);
        await Catalog(Seller).DeleteProductAsync(new DeleteProductRequest { ProductId = product.ProductId });
    }

    private async Task<Product> ProductOfAsync(string sku)
    {
        var offers = await Catalog(TestCaller.Service("cart"))
            .BatchGetOffersAsync(new BatchGetOffersRequest { Skus = { sku } });
        return await Catalog(Seller)
            .GetProductAsync(new GetProductRequest { ProductId = offers.Offers[0].ProductId });
    }

    /// <summary>A product that is not on sale yet.</summary>
    internal async Task<Product> DraftAsync(string amount = "25.00", string currency = "USD") =>
        await Catalog(Seller)
            .CreateProductAsync(
                new CreateProductRequest
                {
                    Product = new Product
                    {
                        Name = "Lamp",
                        Category = { "Lamps" },
                        Price = new Price
                        {
                            Currency = currency,
                            Amount = new Money { Amount = amount },
                        },
                        Variants = { new Variant { Sku = $"sku-{Guid.CreateVersion7():N}" } },
                    },
                }
            );

    /// <summary>An order that is confirmed.</summary>
    internal async Task<Order> ConfirmedAsync(TestCaller buyer, params string[] skus)
    {
        var order = await As(buyer).CreateOrderAsync(Request(skus));
        Assert.That(order.Status, Is.EqualTo(OrderStatus.Confirmed), $"{order.Failure}");
        return order;
    }

    /// <summary>An order of one unit of each SKU that waits for its end.</summary>
    internal static CreateOrderRequest Request(params string[] skus)
    {
        var request = new CreateOrderRequest
        {
            RequestId = Guid.CreateVersion7().ToString(),
            ShippingAddress = new Address
            {
                Name = "Jo Buyer",
                Line1 = "1 Main Street",
                City = "Springfield",
                Country = "US",
            },
            PaymentMethod = new PaymentMethod { Type = "card", Token = "tok_success" },
            WaitSeconds = 30,
        };
        request.Items.Add(skus.Select(sku => new CreateOrderItem { Sku = sku, Quantity = 1 }));
        return request;
    }

    /// <summary>The same, paid in cash at the door.</summary>
    internal static CreateOrderRequest CashRequest(params string[] skus)
    {
        var request = Request(skus);
        request.PaymentMethod = new PaymentMethod { Type = "cod" };
        return request;
    }

    /// <summary>How far an order and its payment are.</summary>
    internal static (OrderStatus Order, string Payment) StateOf(Order order) =>
        (order.Status, order.PaymentStatus);

    internal static Guid Key(Order order) => Ids.Parse("ord", order.OrderId);

    /// <summary>What the provider took for an order less what it gave back, by its own books.</summary>
    internal async Task<(string State, long NetMinor)> ChargeAsync(Order order)
    {
        var rows = await Payments.Db.ListAsync(
            """
            select state, case when state = 'captured' then amount_minor else 0 end - refunded_minor
              from simulator_charge where charge_key = $1
            """,
            [Key(order).ToString()],
            row => (row.GetString(0), row.GetInt64(1)),
            CancellationToken.None
        );
        return rows.SingleOrDefault(("none", 0));
    }

    /// <summary>Units of a SKU that are free and held.</summary>
    internal async Task<(long Available, long Reserved)> StockAsync(string sku) =>
        (
            await Inventory.Db.ListAsync(
                "select sum(available)::bigint, sum(reserved)::bigint from pool where item = $1",
                [sku],
                row => (row.GetInt64(0), row.GetInt64(1)),
                CancellationToken.None
            )
        ).Single();

    /// <summary>The order once no workflow has work with it.</summary>
    internal async Task<Order> SettledAsync(Order order)
    {
        await Eventually.ThatAsync(
            async () =>
                await Ordering.Db.ScalarAsync<long>(
                    "select count(*) from orders where id = $1 and settled_at is null",
                    [Key(order)],
                    CancellationToken.None
                ) == 0,
            $"{order.OrderId} to be settled"
        );
        return await Staff.GetOrderAsync(new GetOrderRequest { OrderId = order.OrderId });
    }

    public ValueTask DisposeAsync() => _mesh.DisposeAsync();

    private CatalogService.CatalogServiceClient Catalog(TestCaller caller) =>
        _mesh.Client<CatalogService.CatalogServiceClient>("catalog", caller);

    private void Override(Microsoft.Extensions.DependencyInjection.IServiceCollection services) =>
        Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton(
            services,
            _settings
        );
}
