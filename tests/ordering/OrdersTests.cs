using Grpc.Core;
using Souk.Ordering.V1;
using Souk.Payments.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Ordering;

/// <summary>Mirrors OrderingService.Orders.cs.</summary>
internal sealed class OrdersTests : OrderingTests
{
    private static readonly Failure NotFound = new(StatusCode.NotFound, "RESOURCE_NOT_FOUND");

    [Test]
    [Description("ORD-02, X-06")]
    public async Task GetOrder_OwnerStaffAndStranger_SeeItOrNot()
    {
        var buyer = TestCaller.Buyer();
        var order = await Mesh.ConfirmedAsync(buyer, await Mesh.GoodsAsync());
        var request = new GetOrderRequest { OrderId = order.OrderId };
        Assert.That(await As(buyer).GetOrderAsync(request), Is.EqualTo(order));
        Assert.That(await Staff.GetOrderAsync(request), Is.EqualTo(order));
        Assert.That(
            await Failure.OfAsync(() => As(TestCaller.Buyer()).GetOrderAsync(request)),
            Is.EqualTo(NotFound)
        );
    }

    [Test]
    [Description("K26, CAT-05: an order keeps its own copy")]
    public async Task GetOrder_ProductChangedOrDeletedSince_IsAsItWasBought()
    {
        var buyer = TestCaller.Buyer();
        var (repriced, deleted) = (await Mesh.GoodsAsync(), await Mesh.GoodsAsync());
        var order = await Mesh.ConfirmedAsync(buyer, repriced, deleted);
        await Mesh.RepriceAsync(repriced, "99.00");
        await Mesh.DeleteAsync(deleted);
        Assert.That(
            await As(buyer).GetOrderAsync(new GetOrderRequest { OrderId = order.OrderId }),
            Is.EqualTo(order)
        );
        var anew = OrderingMesh.Request(deleted);
        var failure = await Failure.OfAsync(() => As(buyer).CreateOrderAsync(anew));
        Assert.That(failure.Reason, Is.EqualTo("PRODUCT_UNAVAILABLE"));
    }

    [TestCase("ord_00000000000000000000000000000000")]
    [TestCase("nonsense")]
    public async Task GetOrder_UnknownId_IsNotFound(string id) =>
        Assert.That(
            await Failure.OfAsync(() => Staff.GetOrderAsync(new GetOrderRequest { OrderId = id })),
            Is.EqualTo(NotFound)
        );

    [Test]
    [Description("ORD-11: a page is a message, and a message has a size")]
    public async Task ListOrders_LargeOrders_EndsAPageBeforeItIsTooLarge()
    {
        const int bytesMax = 4 * 1024 * 1024;
        var (buyer, orders) = await HistoryAsync(count: 8);
        // As if each had the 200 lines that an order may have, with names as long as they may be.
        await Mesh.Ordering.Db.ExecuteAsync(
            """
            insert into order_items (id, order_id, line, product_id, sku, name, seller_id, quantity,
                                     unit_price_minor, total_price_minor, status)
            select gen_random_uuid(), order_id, more, product_id, sku, repeat('漢', 500), seller_id, quantity,
                   unit_price_minor, total_price_minor, status
              from order_items
             cross join generate_series(2, 200) as more
             where order_id in (select id from orders where user_id = $1)
            """,
            [buyer.UserId],
            CancellationToken.None
        );
        var sizes = new List<int>();
        var listed = new List<string>();
        var request = new ListOrdersRequest { PageSize = 1000 };
        do
        {
            var page = await As(buyer).ListOrdersAsync(request);
            sizes.Add(page.CalculateSize());
            listed.AddRange(page.Orders.Select(order => order.OrderId));
            Assert.That(page.Orders.Select(order => order.Items.Count), Is.All.EqualTo(200));
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);
        Assert.That(listed, Is.EqualTo(orders.Select(order => order.OrderId)));
        Assert.That(sizes, Has.Count.GreaterThan(1).And.All.LessThan(bytesMax));
    }

    [Test]
    [Description("ORD-11")]
    public async Task ListOrders_PageByPage_GivesAllNewestFirst()
    {
        var (buyer, orders) = await HistoryAsync(count: 5);
        var listed = new List<Order>();
        var request = new ListOrdersRequest { PageSize = 2 };
        do
        {
            var page = await As(buyer).ListOrdersAsync(request);
            Assert.That(page.Orders, Has.Count.LessThanOrEqualTo(2));
            listed.AddRange(page.Orders);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);
        Assert.That(listed, Is.EqualTo(orders));
    }

    [Test]
    [Description("ORD-11")]
    public async Task ListOrders_StatusAndDates_Filter()
    {
        var (buyer, orders) = await HistoryAsync(count: 2);
        var cancelled = await As(buyer)
            .CancelOrderAsync(new CancelOrderRequest { OrderId = orders[1].OrderId, WaitSeconds = 30 });
        var (newest, oldest) = (orders[0].CreatedAt, orders[1].CreatedAt);

        Assert.That(
            await ListAsync(new ListOrdersRequest { Status = OrderStatus.Cancelled }),
            Is.EqualTo(new[] { cancelled.OrderId })
        );
        Assert.That(
            await ListAsync(new ListOrdersRequest { CreatedAfter = oldest, CreatedBefore = newest }),
            Is.EqualTo(new[] { orders[1].OrderId }),
            "after includes, before excludes"
        );
        Assert.That(await ListAsync(new ListOrdersRequest { CreatedBefore = oldest }), Is.Empty);
        Assert.That(
            await ListAsync(new ListOrdersRequest { CreatedAfter = newest }),
            Is.EqualTo(new[] { orders[0].OrderId })
        );

        async Task<List<string>> ListAsync(ListOrdersRequest request) =>
            [.. (await As(buyer).ListOrdersAsync(request)).Orders.Select(order => order.OrderId)];
    }

    [TestCase(long.MaxValue, 0)]
    [TestCase(0, -1)]
    [Description("X-08")]
    public async Task ListOrders_ImpossibleInstant_FailsNamingTheField(long seconds, int nanos)
    {
        var request = new ListOrdersRequest
        {
            CreatedAfter = new() { Seconds = seconds, Nanos = nanos },
        };
        var failure = await Failure.OfAsync(async () =>
            await As(TestCaller.Buyer()).ListOrdersAsync(request)
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD")));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "created_after" }));
    }

    [Test]
    [Description("X-06")]
    public async Task ListOrders_OfSomebodyElse_OnlyForStaff()
    {
        var (buyer, orders) = await HistoryAsync(count: 1);
        var request = new ListOrdersRequest { UserId = buyer.UserId };
        Assert.That((await Staff.ListOrdersAsync(request)).Orders, Is.EqualTo(orders));
        Assert.That((await As(TestCaller.Buyer()).ListOrdersAsync(request)).Orders, Is.Empty);
    }

    [Test]
    public async Task ListOrders_TokenOfAnotherList_FailsWithPageTokenInvalid()
    {
        var (buyer, _) = await HistoryAsync(count: 2);
        var page = await As(buyer).ListOrdersAsync(new ListOrdersRequest { PageSize = 1 });
        var other = new ListOrdersRequest { PageToken = page.NextPageToken, Status = OrderStatus.Failed };
        Assert.That(
            await Failure.OfAsync(() => As(buyer).ListOrdersAsync(other)),
            Is.EqualTo(new Failure(StatusCode.InvalidArgument, "PAGE_TOKEN_INVALID"))
        );
    }

    [Test]
    [Description("ORD-13")]
    public async Task CancelOrder_Confirmed_RefundsAndRestocks()
    {
        var buyer = TestCaller.Buyer();
        var sku = await Mesh.GoodsAsync(stock: 2);
        var order = await Mesh.ConfirmedAsync(buyer, sku);

        var cancelled = await CancelAsync(buyer, order);

        Assert.That(OrderingMesh.StateOf(cancelled), Is.EqualTo((OrderStatus.Cancelled, "refunded")));
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo(("captured", 0)));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((2, 0)));
        Assert.That(await CancelAsync(buyer, order), Is.EqualTo(cancelled), "a repeat is no error");
        var mails = await Mesh.EventsAsync<NotificationEmail>(
            "notification.email",
            e => e.OrderId == order.OrderId
        );
        Assert.That(
            mails.Select(mail => mail.Template),
            Is.EqualTo(new[] { "order_confirmed", "order_cancelled" })
        );
    }

    [Test]
    [Description("ORD-13: while the payment waits for its buyer")]
    public async Task CancelOrder_Pending_LeavesNothingHeldOrCharged()
    {
        var buyer = TestCaller.Buyer();
        var sku = await Mesh.GoodsAsync(stock: 2);
        var request = OrderingMesh.Request(sku);
        request.PaymentMethod.Token = "tok_challenge";
        var order = await As(buyer).CreateOrderAsync(request);
        Assert.That(order.PaymentAction.Url, Is.Not.Empty);

        Assert.That((await CancelAsync(buyer, order)).Status, Is.EqualTo(OrderStatus.Cancelled));

        // The workflow wakes up by the event; the provider has to forget the challenge and the stock to
        // come back.
        var settled = await Mesh.SettledAsync(order);
        Assert.That(
            (settled.Status, settled.PaymentAction),
            Is.EqualTo((OrderStatus.Cancelled, (PaymentAction?)null))
        );
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((2, 0)));
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo(("cancelled", 0)));
    }

    [TestCase("approve", OrderStatus.Confirmed)]
    [TestCase("reject", OrderStatus.Failed)]
    [Description("PAY-07")]
    public async Task CreateOrder_Challenge_EndsAsTheBuyerDecides(string outcome, OrderStatus status)
    {
        var buyer = TestCaller.Buyer();
        var request = OrderingMesh.Request(await Mesh.GoodsAsync());
        request.PaymentMethod.Token = "tok_challenge";
        var order = await As(buyer).CreateOrderAsync(request);
        await Mesh.PaymentsOf(buyer)
            .ConfirmPaymentAsync(
                new ConfirmPaymentRequest { PaymentId = order.PaymentId, Outcome = outcome }
            );
        await Mesh.DeliverEventsAsync();
        Assert.That((await Mesh.SettledAsync(order)).Status, Is.EqualTo(status));
    }

    [Test]
    [Description("ORD-03")]
    public async Task CancelOrder_Failed_FailsWithBadTransition()
    {
        var buyer = TestCaller.Buyer();
        var request = OrderingMesh.Request(await Mesh.GoodsAsync());
        request.PaymentMethod.Token = "tok_declined";
        var order = await As(buyer).CreateOrderAsync(request);
        var failure = await Failure.OfAsync(() => CancelAsync(buyer, order));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "BAD_TRANSITION")));
        Assert.That((failure.Metadata["from"], failure.Metadata["to"]), Is.EqualTo(("failed", "cancelled")));
    }

    [Test]
    [Description("ORD-13: one parcel of two is enough")]
    public async Task CancelOrder_PartlyShipped_FailsWithAlreadyShipped()
    {
        var buyer = TestCaller.Buyer();
        var order = await Mesh.ConfirmedAsync(buyer, await Mesh.GoodsAsync(), await Mesh.GoodsAsync());
        var first = new ShipOrderRequest
        {
            OrderId = order.OrderId,
            OrderItemIds = { order.Items[0].OrderItemId },
        };
        await Staff.ShipOrderAsync(first);
        Assert.That(
            await Failure.OfAsync(() => CancelAsync(buyer, order)),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "ALREADY_SHIPPED"))
        );
    }

    [Test]
    [Description("X-06")]
    public async Task CancelOrder_SomebodyElses_IsNotFound()
    {
        var order = await Mesh.ConfirmedAsync(TestCaller.Buyer(), await Mesh.GoodsAsync());
        Assert.That(
            await Failure.OfAsync(() => CancelAsync(TestCaller.Buyer(), order)),
            Is.EqualTo(NotFound)
        );
    }

    [Test]
    [Description("ORD-13: against a shipment at the same moment one of the two wins")]
    public async Task CancelOrder_AgainstShipOrder_HasOneWinner()
    {
        var sku = await Mesh.GoodsAsync(stock: 20);
        var buyer = TestCaller.Buyer();
        for (var round = 0; round < 10; round++)
        {
            var order = await Mesh.ConfirmedAsync(buyer, sku);
            var cancel = TryAsync(() => CancelAsync(buyer, order));
            var ship = TryAsync(async () =>
                await Staff.ShipOrderAsync(new ShipOrderRequest { OrderId = order.OrderId })
            );
            var won = (Cancel: await cancel, Ship: await ship);
            Assert.That(won.Cancel, Is.Not.EqualTo(won.Ship));
            var end = await Mesh.SettledAsync(order);
            Assert.That(end.Status, Is.EqualTo(won.Cancel ? OrderStatus.Cancelled : OrderStatus.Shipped));
            Assert.That(
                (await Mesh.ChargeAsync(order)).NetMinor,
                Is.EqualTo(won.Cancel ? 0 : order.Total.MinorUnits)
            );
        }

        static async Task<bool> TryAsync(Func<Task> work)
        {
            try
            {
                await work();
                return true;
            }
            catch (RpcException lost) when (lost.StatusCode == StatusCode.FailedPrecondition)
            {
                return false;
            }
        }
    }

    private static async Task<Order> CancelAsync(TestCaller caller, Order order) =>
        await As(caller)
            .CancelOrderAsync(new CancelOrderRequest { OrderId = order.OrderId, WaitSeconds = 30 });

    private static async Task<(TestCaller Buyer, List<Order> Orders)> HistoryAsync(int count)
    {
        var buyer = TestCaller.Buyer();
        var sku = await Mesh.GoodsAsync(stock: count);
        var orders = new List<Order>();
        for (var i = 0; i < count; i++)
        {
            Mesh.Clock.Advance(TimeSpan.FromMilliseconds(1));
            orders.Insert(0, await Mesh.ConfirmedAsync(buyer, sku));
        }
        return (buyer, orders);
    }
}
