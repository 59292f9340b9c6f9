using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Souk.Cart;
using Souk.Cart.V1;
using Souk.Catalog;
using Souk.Catalog.V1;
using Souk.Options.V1;
using Souk.Shared;
using Souk.Tests.Catalog;
using Souk.Tests.Harness;
using CartClient = Souk.Cart.V1.CartService.CartServiceClient;
using CatalogClient = Souk.Catalog.V1.CatalogService.CatalogServiceClient;
using Price = Souk.Catalog.V1.Price;

namespace Souk.Tests.Cart;

/// <summary>
/// A cart service on its real state store, beside a real catalog. There is no inventory, as carts never ask
/// it.
/// </summary>
internal sealed class CartMesh : IAsyncDisposable
{
    private const string AppId = "cart";
    private static readonly TestCaller Moderator = TestCaller.New(Role.Moderator);
    private static readonly TestCaller Seller = TestCaller.Seller();

    private CartMesh(TestMesh mesh, TestService service)
    {
        Mesh = mesh;
        Service = service;
        Services = As(TestCaller.Service("ordering"));
    }

    internal TestMesh Mesh { get; }

    internal TestService Service { get; }

    internal ManualTimeProvider Clock => Mesh.Clock;

    /// <summary>The cart service as the other services see it.</summary>
    internal CartClient Services { get; }

    /// <summary>Starts both, carts with the settings of an empty environment unless others are
    /// given.</summary>
    internal static async Task<CartMesh> StartAsync(CartSettings? settings = null)
    {
        var mesh = new TestMesh();
        await mesh.StartSidecarAsync(AppId, "catalog");
        await mesh.AddAsync("catalog", CatalogHost.Configure);
        settings ??= new CartSettings(TimeSpan.FromDays(7), 0);
        var service = await mesh.AddAsync(AppId, builder => CartHost.Configure(builder, settings));
        return new CartMesh(mesh, service);
    }

    internal CartClient As(TestCaller caller) => Mesh.Client<CartClient>(AppId, caller);

    /// <summary>A product of one variant, not listed yet.</summary>
    internal static Product Phone(string price = "999.99", string currency = "USD")
    {
        var phone = Samples.Phone();
        phone.Price = PriceOf(price, currency);
        return phone;
    }

    /// <summary>Lists a product.</summary>
    internal async Task<Product> DraftAsync(Product product, TestCaller? seller = null) =>
        await Catalog(seller ?? Seller).CreateProductAsync(new CreateProductRequest { Product = product });

    /// <summary>Lists a product and puts it on sale.</summary>
    internal async Task<Product> OnSaleAsync(Product product, TestCaller? seller = null)
    {
        var draft = await DraftAsync(product, seller);
        return await Catalog(Moderator)
            .ApproveProductAsync(new ApproveProductRequest { ProductId = draft.ProductId });
    }

    internal Task<Product> OnSaleAsync(string price = "999.99", string currency = "USD") =>
        OnSaleAsync(Phone(price, currency));

    /// <summary>A new price, as its seller sets it.</summary>
    internal async Task RepriceAsync(Product product, string price, string currency = "USD")
    {
        var changed = await Catalog(Seller)
            .GetProductAsync(new GetProductRequest { ProductId = product.ProductId });
        changed.Price = PriceOf(price, currency);
        await Catalog(Seller).UpdateProductAsync(changed.ToUpdate());
    }

    internal async Task DeleteAsync(Product product) =>
        await Catalog(Seller).DeleteProductAsync(new DeleteProductRequest { ProductId = product.ProductId });

    /// <summary>Puts units of a product into a cart.</summary>
    internal async Task<Souk.Cart.V1.Cart> AddAsync(TestCaller caller, Product product, int quantity = 1) =>
        await As(caller).AddCartItemAsync(Item(product, quantity));

    internal static AddCartItemRequest Item(Product product, int quantity = 1, string requestId = "") =>
        new()
        {
            Sku = product.Variants[0].Sku,
            Quantity = quantity,
            RequestId = requestId,
        };

    internal async Task<Souk.Cart.V1.Cart> GetAsync(TestCaller caller) =>
        await As(caller).GetCartAsync(new GetCartRequest());

    internal async Task<CartSummary> SummaryAsync(TestCaller caller) =>
        await As(caller).GetCartSummaryAsync(new GetCartSummaryRequest());

    /// <summary>A coupon that nobody else has.</summary>
    /// <param name="columns">Columns and values besides, such as "usage_limit = 1".</param>
    internal async Task<string> CouponAsync(string columns = "basis_points = 1000")
    {
        var code = $"C{Guid.CreateVersion7():N}".ToUpperInvariant();
        await Service.Db.ExecuteAsync(
            "insert into coupon (code, type, basis_points, valid_from) values ($1, 'percentage', 1000, $2)",
            [code, Clock.GetUtcNow().AddYears(-1)],
            CancellationToken.None
        );
        await Service.Db.ExecuteAsync(
            $"update coupon set {columns} where code = $1",
            [code],
            CancellationToken.None
        );
        ForgetCoupons();
        return code;
    }

    /// <summary>Lets so much time pass that coupons are read anew.</summary>
    internal void ForgetCoupons() => Clock.Advance(TimeSpan.FromSeconds(5));

    /// <summary>What the state store has under a key.</summary>
    internal async Task<string> StoredAsync(string key)
    {
        var state = await Service
            .Get<Souk.Shared.Sidecar>()
            .Dapr.GetStateAsync(new GetStateRequest { StoreName = "cartstore", Key = key });
        return state.Data.ToStringUtf8();
    }

    /// <summary>Asks Redis itself something that has a number for an answer.</summary>
    internal static async Task<long> RedisAsync(string command)
    {
        var address = Backends.Redis.Split(':');
        using var redis = new TcpClient();
        await redis.ConnectAsync(address[0], int.Parse(address[1], CultureInfo.InvariantCulture));
        await redis.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{command}\r\n"));
        using var answer = new StreamReader(redis.GetStream());
        var line = await answer.ReadLineAsync() ?? "";
        Assert.That(line, Does.StartWith(":"), command);
        return long.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
    }

    /// <summary>An event as another service's outbox has it.</summary>
    internal static OutboxEvent Event(string topic, IMessage content) =>
        new(
            Guid.CreateVersion7(),
            topic,
            content.Descriptor.FullName,
            new JsonFormatter(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true)).Format(
                content
            ),
            null
        );

    private CatalogClient Catalog(TestCaller caller) => Mesh.Client<CatalogClient>("catalog", caller);

    private static Price PriceOf(string amount, string currency) =>
        new()
        {
            Currency = currency,
            Amount = new Type.Money { Amount = amount },
        };

    public ValueTask DisposeAsync() => Mesh.DisposeAsync();
}

/// <summary>
/// The carts of all fixtures that leave the clock alone, or only move it by seconds. Their buyers do not
/// meet.
/// </summary>
[SetUpFixture]
internal sealed class SharedCarts
{
    private static CartMesh? s_mesh;

    internal static CartMesh Mesh =>
        s_mesh ?? throw new InvalidOperationException("The shared carts have not started.");

    [OneTimeSetUp]
    public async Task Start() => s_mesh = await CartMesh.StartAsync();

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (s_mesh is not null)
            await s_mesh.DisposeAsync();
    }
}
