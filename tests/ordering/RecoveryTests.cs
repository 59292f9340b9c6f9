using Google.Protobuf;
using Souk.Inventory;
using Souk.Ordering;
using Souk.Ordering.V1;
using Souk.Payments.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Client = Souk.Ordering.V1.OrderingService.OrderingServiceClient;

namespace Souk.Tests.Ordering;

/// <summary>
/// Orders that nobody works on, and holds that lapse. The tests move their own clock, so they take turns.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class RecoveryTests
{
    private static readonly TimeSpan BeyondGrace = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BeyondHold = TimeSpan.FromMinutes(11);
    private static readonly TestCaller Buyer = TestCaller.Buyer();

    private OrderingMesh _mesh = null!;
    private Client _alone = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _mesh = await OrderingMesh.StartAsync();
        _alone = await _mesh.AddWithoutSidecarAsync(Buyer);
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _mesh.DisposeAsync();

    [Test]
    [Description("ORD-08: the process died between the order's commit and the hand-over to its workflow")]
    public async Task Recovery_OrderWithoutWorkflow_IsCheckedOut()
    {
        var request = OrderingMesh.Request(await _mesh.GoodsAsync());
        var order = await LeftAloneAsync(request);

        await RecoverAsync();

        Assert.That((await _mesh.SettledAsync(order)).Status, Is.EqualTo(OrderStatus.Confirmed));
        var repeated = await _mesh.As(Buyer).CreateOrderAsync(request);
        Assert.That(repeated.OrderId, Is.EqualTo(order.OrderId), "the buyer's repeat finds it");
        Assert.That(await _mesh.ChargeAsync(order), Is.EqualTo(("captured", order.Total.MinorUnits)));
    }

    [Test]
    [Description("PAY-10: staff gave the money back before the order was confirmed, which does not hide it")]
    public async Task Recovery_RefundedBeforeTheOrderIsConfirmed_StaysRefunded()
    {
        var order = await LeftAloneAsync(OrderingMesh.Request(await _mesh.GoodsAsync()));
        var refund = new PaymentUpdated
        {
            CheckoutId = OrderingMesh.Key(order).ToString(),
            Status = PaymentStatus.Refunded,
        };
        await _mesh.Bus.DeliverAsync(
            "ordering",
            new OutboxEvent(
                Guid.CreateVersion7(),
                "payment.updated",
                PaymentUpdated.Descriptor.FullName,
                JsonFormatter.Default.Format(refund),
                TraceParent: null
            )
        );

        await RecoverAsync();

        var settled = await _mesh.SettledAsync(order);
        Assert.That(OrderingMesh.StateOf(settled), Is.EqualTo((OrderStatus.Confirmed, "refunded")));
        var updates = await _mesh.EventsAsync<OrderUpdated>("order.updated", e => e.OrderId == order.OrderId);
        Assert.That(updates, Is.Empty, "its first event is that it was confirmed");
    }

    [Test]
    [Description("ORD-13: the process died between the cancellation's commit and its refund")]
    public async Task Recovery_CancelledWithoutRefund_IsRefunded()
    {
        var order = await _mesh.ConfirmedAsync(Buyer, await _mesh.GoodsAsync());
        await _alone.CancelOrderAsync(new CancelOrderRequest { OrderId = order.OrderId });
        Assert.That((await _mesh.ChargeAsync(order)).NetMinor, Is.Not.Zero);

        await RecoverAsync();

        Assert.That((await _mesh.SettledAsync(order)).PaymentStatus, Is.EqualTo("refunded"));
        Assert.That((await _mesh.ChargeAsync(order)).NetMinor, Is.Zero);
    }

    [Test]
    [Description("K12: the hold lapsed while the buyer was at the challenge, so nothing is taken")]
    public async Task Checkout_HoldLapsedMeanwhile_FailsWithCheckoutTimeout()
    {
        var sku = await _mesh.GoodsAsync(stock: 1);
        var request = OrderingMesh.Request(sku);
        request.PaymentMethod.Token = "tok_challenge";
        var order = await _mesh.As(Buyer).CreateOrderAsync(request);
        _mesh.Clock.Advance(BeyondHold);
        await _mesh.Inventory.RunJobAsync<ExpiryJob>();
        Assert.That(await _mesh.StockAsync(sku), Is.EqualTo((1, 0)));

        await _mesh
            .PaymentsOf(Buyer)
            .ConfirmPaymentAsync(new ConfirmPaymentRequest { PaymentId = order.PaymentId });
        await _mesh.DeliverEventsAsync();

        var settled = await _mesh.SettledAsync(order);
        Assert.That(
            (settled.Status, settled.Failure.Reason),
            Is.EqualTo((OrderStatus.Failed, "CHECKOUT_TIMEOUT"))
        );
        Assert.That(await _mesh.ChargeAsync(order), Is.EqualTo(("cancelled", 0)));
        Assert.That(await _mesh.StockAsync(sku), Is.EqualTo((1, 0)));
    }

    [Test]
    [Description("ORD-10: mail that cannot be sent is no reason to undo a sale")]
    public async Task CreateOrder_MailTopicRefused_StaysConfirmedAndIsWrittenToLater()
    {
        _mesh.Bus.RefusedTopic = "notification.email";
        var order = await _mesh.ConfirmedAsync(Buyer, await _mesh.GoodsAsync());
        var created = await _mesh.EventsAsync<OrderCreated>("order.created", e => e.OrderId == order.OrderId);
        Assert.That(created, Has.Count.EqualTo(1), "the other topics do not wait");
        Assert.That(await MailsAsync(), Is.Empty);
        Assert.That((await _mesh.SettledAsync(order)).Status, Is.EqualTo(OrderStatus.Confirmed));

        _mesh.Bus.RefusedTopic = null;
        _mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(
            (await MailsAsync()).Select(mail => mail.Template),
            Is.EqualTo(new[] { "order_confirmed" })
        );

        Task<IReadOnlyList<NotificationEmail>> MailsAsync() =>
            _mesh.EventsAsync<NotificationEmail>("notification.email", mail => mail.OrderId == order.OrderId);
    }

    /// <summary>An order that was placed, but that nobody works on.</summary>
    private async Task<Order> LeftAloneAsync(CreateOrderRequest request)
    {
        // So nobody will answer: the buyer's app gives up once the order is there.
        using var app = new CancellationTokenSource();
        var calling = Failure.OfAsync(() => _alone.CreateOrderAsync(request, cancellationToken: app.Token));
        var order = await PendingAsync();
        await app.CancelAsync();
        await calling;
        return order;
    }

    private async Task<Order> PendingAsync()
    {
        var pending = new ListOrdersRequest { Status = OrderStatus.Pending };
        var found = new ListOrdersResponse();
        await Eventually.ThatAsync(
            async () => (found = await _mesh.As(Buyer).ListOrdersAsync(pending)).Orders.Count > 0,
            "the order"
        );
        return found.Orders.Single();
    }

    private async Task RecoverAsync()
    {
        _mesh.Clock.Advance(BeyondGrace);
        await _mesh.Ordering.RunJobAsync<CheckoutRecovery>();
    }
}

/// <summary>ORD-18: a shop that gives its buyers a minute to think again.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class GracePeriodTests
{
    private OrderingMesh _mesh = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _mesh = await OrderingMesh.StartAsync(graceSeconds: 60);

    [OneTimeTearDown]
    public async Task StopAsync() => await _mesh.DisposeAsync();

    [Test]
    [Description("ORD-18")]
    public async Task CancelOrder_WithinGrace_TakesNothing()
    {
        var buyer = TestCaller.Buyer();
        var sku = await _mesh.GoodsAsync(stock: 1);
        var request = OrderingMesh.Request(sku);
        request.WaitSeconds = 0;
        var order = await _mesh.As(buyer).CreateOrderAsync(request);
        Assert.That(order.Status, Is.EqualTo(OrderStatus.Pending));
        Assert.That(await _mesh.StockAsync(sku), Is.EqualTo((0, 1)));

        var cancelled = await _mesh
            .As(buyer)
            .CancelOrderAsync(new CancelOrderRequest { OrderId = order.OrderId, WaitSeconds = 30 });

        Assert.That(cancelled.Status, Is.EqualTo(OrderStatus.Cancelled));
        var (state, net) = await _mesh.ChargeAsync(order);
        Assert.That((state, net), Is.EqualTo(("cancelled", 0)).Or.EqualTo(("none", 0)), "never captured");
        Assert.That(await _mesh.StockAsync(sku), Is.EqualTo((1, 0)));
    }
}
