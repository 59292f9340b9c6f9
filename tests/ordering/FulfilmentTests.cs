using Grpc.Core;
using Souk.Cart.V1;
using Souk.Ordering.V1;
using Souk.Payments.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Ordering;

/// <summary>Mirrors OrderingService.Fulfilment.cs.</summary>
internal sealed class FulfilmentTests : OrderingTests
{
    private static readonly Failure BadTransition = new(StatusCode.FailedPrecondition, "BAD_TRANSITION");
    private static readonly Failure NotFound = new(StatusCode.NotFound, "RESOURCE_NOT_FOUND");

    [Test]
    [Description("ORD-12: the order has left once all of its items have")]
    public async Task ShipOrder_ParcelByParcel_ShipsTheOrderWithTheLast()
    {
        var buyer = TestCaller.Buyer();
        var order = await OrderAsync(buyer, items: 3);
        var first = await ShipAsync(order, "UPS-1", order.Items[0].OrderItemId);
        Assert.That((first.Status, first.TrackingNumber), Is.EqualTo((OrderStatus.Confirmed, "UPS-1")));

        var last = await ShipAsync(order, "");

        Assert.That(last.Status, Is.EqualTo(OrderStatus.Shipped));
        Assert.That(last.ShippedAt, Is.Not.Null);
        Assert.That(last.Items[0].TrackingNumber, Is.EqualTo("UPS-1"), "what left keeps its number");
        Assert.That(last.Items[1].TrackingNumber, Does.Match("^TR[0-9]{6,}$"));
        Assert.That(last.Items[2].TrackingNumber, Is.EqualTo(last.Items[1].TrackingNumber));
        var tracking = await As(buyer).GetTrackingAsync(new GetTrackingRequest { OrderId = order.OrderId });
        Assert.That(tracking.Shipments.Select(parcel => parcel.Items.Count), Is.EquivalentTo(new[] { 1, 2 }));
        Assert.That(tracking.EstimatedDelivery, Is.EqualTo(order.EstimatedDelivery));
        Assert.That(await UpdatesAsync(order), Is.EqualTo(new[] { OrderStatus.Shipped }));
        var mails = await Mesh.EventsAsync<NotificationEmail>(
            "notification.email",
            e => e.OrderId == order.OrderId
        );
        Assert.That(mails[^1].Template, Is.EqualTo("order_shipped"));
    }

    [Test]
    [Description("X-09")]
    public async Task ShipOrder_SameKey_AnswersAsTheFirstTime()
    {
        var order = await OrderAsync(TestCaller.Buyer());
        var request = new ShipOrderRequest
        {
            OrderId = order.OrderId,
            RequestId = Guid.CreateVersion7().ToString(),
        };
        var staff = Mesh.As(TestCaller.Operator());
        var first = await staff.ShipOrderAsync(request);
        Assert.That(await staff.ShipOrderAsync(request), Is.EqualTo(first));
    }

    [Test]
    public async Task ShipOrder_UnknownItem_IsNotFound()
    {
        var order = await OrderAsync(TestCaller.Buyer());
        Assert.That(
            await Failure.OfAsync(() => ShipAsync(order, "", $"oit_{Guid.CreateVersion7():N}")),
            Is.EqualTo(NotFound)
        );
    }

    [Test]
    public async Task ShipOrder_Buyer_FailsWithRoleRequired()
    {
        var buyer = TestCaller.Buyer();
        var order = await OrderAsync(buyer);
        Assert.That(
            await Failure.OfAsync(() =>
                As(buyer).ShipOrderAsync(new ShipOrderRequest { OrderId = order.OrderId })
            ),
            Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED"))
        );
    }

    [Test]
    [Description("ORD-03: only the next step, and a repeat is no error")]
    public async Task Fulfilment_OutOfTurn_FailsWithBadTransition()
    {
        var order = await OrderAsync(TestCaller.Buyer());
        Assert.That(await Failure.OfAsync(() => DeliverAsync(order)), Is.EqualTo(BadTransition));
        Assert.That(await Failure.OfAsync(() => ReturnAsync(order)), Is.EqualTo(BadTransition));
        Assert.That(await Failure.OfAsync(() => RefuseAsync(order)), Is.EqualTo(BadTransition));
        await ShipAsync(order, "");
        Assert.That(await Failure.OfAsync(() => ShipAsync(order, "")), Is.EqualTo(BadTransition));
        Assert.That(await Failure.OfAsync(() => ReturnAsync(order)), Is.EqualTo(BadTransition));
        var delivered = await DeliverAsync(order);
        Assert.That(await DeliverAsync(order), Is.EqualTo(delivered));
        Assert.That(await Failure.OfAsync(() => RefuseAsync(order)), Is.EqualTo(BadTransition));
        Assert.That(await Failure.OfAsync(() => ShipAsync(order, "")), Is.EqualTo(BadTransition));
    }

    [Test]
    [Description("PAY-05")]
    public async Task DeliverOrder_CashOnDelivery_CollectsIt()
    {
        var request = OrderingMesh.CashRequest(await Mesh.GoodsAsync());
        var order = await As(TestCaller.Buyer()).CreateOrderAsync(request);
        await ShipAsync(order, "");
        var delivered = await DeliverAsync(order);
        Assert.That(OrderingMesh.StateOf(delivered), Is.EqualTo((OrderStatus.Delivered, "completed")));
        Assert.That(delivered.DeliveredAt, Is.Not.Null);
        Assert.That(delivered.Items[0].Status, Is.EqualTo(OrderItemStatus.Delivered));
    }

    [Test]
    [Description("PAY-05: coupons can take off all that was to be paid")]
    public async Task DeliverOrder_CashOnDeliveryOfNothing_IsDelivered()
    {
        var buyer = TestCaller.Buyer();
        var cart = Mesh.CartOf(buyer);
        var sku = await Mesh.GoodsAsync(amount: "5.00");
        await cart.AddCartItemAsync(new AddCartItemRequest { Sku = sku, Quantity = 1 });
        await cart.ApplyCouponAsync(new ApplyCouponRequest { Code = "FIRSTORDER" });
        var request = OrderingMesh.CashRequest();
        var order = await As(buyer).CreateOrderAsync(request);
        Assert.That((order.Status, order.Total.MinorUnits), Is.EqualTo((OrderStatus.Confirmed, 0L)));
        await ShipAsync(order, "");
        var delivered = await DeliverAsync(order);
        Assert.That(OrderingMesh.StateOf(delivered), Is.EqualTo((OrderStatus.Delivered, "completed")));
    }

    [Test]
    [Description("PAY-10: what staff give back on their own shows in the order, which goes its way")]
    public async Task RefundPayment_OfAnOrderOnItsWay_ShowsInTheOrderAndTheReturnStillRestocks()
    {
        var sku = await Mesh.GoodsAsync(stock: 2);
        var order = await Mesh.ConfirmedAsync(TestCaller.Buyer(), sku);
        await ShipAsync(order, "");
        await Mesh.PaymentsOf(TestCaller.Operator())
            .RefundPaymentAsync(
                new RefundPaymentRequest
                {
                    PaymentId = order.PaymentId,
                    RequestId = Guid.CreateVersion7().ToString(),
                }
            );
        await Mesh.DeliverEventsAsync();
        var refunded = await Staff.GetOrderAsync(new GetOrderRequest { OrderId = order.OrderId });
        Assert.That(OrderingMesh.StateOf(refunded), Is.EqualTo((OrderStatus.Shipped, "refunded")));
        Assert.That(
            await UpdatesAsync(order),
            Is.EqualTo(new[] { OrderStatus.Shipped, OrderStatus.Shipped }),
            "the second is about the payment"
        );

        Assert.That((await DeliverAsync(order)).PaymentStatus, Is.EqualTo("refunded"));
        await ReturnAsync(order);

        var settled = await Mesh.SettledAsync(order);
        Assert.That(OrderingMesh.StateOf(settled), Is.EqualTo((OrderStatus.Returned, "refunded")));
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo(("captured", 0)));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((2, 0)));
    }

    [TestCase("cod", "failed", "none")]
    [TestCase("card", "refunded", "captured")]
    [Description("PAY-05: refused at the door, so nothing is owed and the stock is back")]
    public async Task RefuseDelivery_Shipped_RestocksAndTakesNothing(
        string method,
        string paymentStatus,
        string charge
    )
    {
        var sku = await Mesh.GoodsAsync(stock: 2);
        var request = OrderingMesh.Request(sku);
        request.PaymentMethod.Type = method;
        var order = await As(TestCaller.Buyer()).CreateOrderAsync(request);
        await ShipAsync(order, "");

        await Task.WhenAll(RefuseAsync(order), RefuseAsync(order));

        var settled = await Mesh.SettledAsync(order);
        Assert.That(OrderingMesh.StateOf(settled), Is.EqualTo((OrderStatus.Returned, paymentStatus)));
        Assert.That(settled.Items[0].Status, Is.EqualTo(OrderItemStatus.Returned));
        Assert.That(settled.DeliveredAt, Is.Null);
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo((charge, 0)));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((2, 0)));
        var payment = await Mesh.PaymentsOf(TestCaller.Operator())
            .GetPaymentAsync(new GetPaymentRequest { PaymentId = order.PaymentId });
        Assert.That(payment.Status.ToString().ToLowerInvariant(), Is.EqualTo(paymentStatus));
        Assert.That((await RefuseAsync(order)).Status, Is.EqualTo(OrderStatus.Returned), "a repeat");
    }

    [Test]
    [Description("ORD-03: money and stock come back, once")]
    public async Task ReturnOrder_Delivered_RefundsAndRestocksOnce()
    {
        var sku = await Mesh.GoodsAsync(stock: 2);
        var order = await Mesh.ConfirmedAsync(TestCaller.Buyer(), sku);
        await ShipAsync(order, "");
        await DeliverAsync(order);

        await Task.WhenAll(ReturnAsync(order), ReturnAsync(order));

        var settled = await Mesh.SettledAsync(order);
        Assert.That(OrderingMesh.StateOf(settled), Is.EqualTo((OrderStatus.Returned, "refunded")));
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo(("captured", 0)));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((2, 0)));
    }

    [Test]
    [Description("ORD-16: a promise never moves in silence")]
    public async Task SetEstimatedDelivery_OtherDay_IsPublished()
    {
        var order = await OrderAsync(TestCaller.Buyer());
        var same = new SetEstimatedDeliveryRequest
        {
            OrderId = order.OrderId,
            EstimatedDelivery = order.EstimatedDelivery,
        };
        await Staff.SetEstimatedDeliveryAsync(same);
        Assert.That(await UpdatesAsync(order), Is.Empty, "nothing moved");

        var later = new SetEstimatedDeliveryRequest
        {
            OrderId = order.OrderId,
            EstimatedDelivery = "2099-12-31",
        };
        Assert.That(
            (await Staff.SetEstimatedDeliveryAsync(later)).EstimatedDelivery,
            Is.EqualTo("2099-12-31")
        );
        var events = await Mesh.EventsAsync<OrderUpdated>("order.updated", e => e.OrderId == order.OrderId);
        Assert.That(events.Single().EstimatedDelivery, Is.EqualTo("2099-12-31"));
    }

    [TestCase("2001-01-01")]
    [TestCase("2026-13-01")]
    [TestCase("01.02.2030")]
    [TestCase("soon")]
    public async Task SetEstimatedDelivery_PastOrNoDay_IsRefused(string day)
    {
        var request = new SetEstimatedDeliveryRequest { OrderId = "ord_1", EstimatedDelivery = day };
        var failure = await Failure.OfAsync(() => Staff.SetEstimatedDeliveryAsync(request));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.InvalidArgument));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "estimated_delivery" }));
    }

    [Test]
    public async Task SetEstimatedDelivery_Cancelled_FailsWithBadTransition()
    {
        var buyer = TestCaller.Buyer();
        var order = await OrderAsync(buyer);
        await As(buyer).CancelOrderAsync(new CancelOrderRequest { OrderId = order.OrderId });
        var request = new SetEstimatedDeliveryRequest
        {
            OrderId = order.OrderId,
            EstimatedDelivery = "2099-12-31",
        };
        Assert.That(
            await Failure.OfAsync(() => Staff.SetEstimatedDeliveryAsync(request)),
            Is.EqualTo(BadTransition)
        );
    }

    [Test]
    [Description("X-06")]
    public async Task GetTracking_SomebodyElses_IsNotFound()
    {
        var order = await OrderAsync(TestCaller.Buyer());
        var request = new GetTrackingRequest { OrderId = order.OrderId };
        Assert.That(
            await Failure.OfAsync(() => As(TestCaller.Buyer()).GetTrackingAsync(request)),
            Is.EqualTo(NotFound)
        );
    }

    private static async Task<Order> OrderAsync(TestCaller buyer, int items = 1)
    {
        var skus = new List<string>();
        for (var i = 0; i < items; i++)
            skus.Add(await Mesh.GoodsAsync());
        return await Mesh.ConfirmedAsync(buyer, [.. skus]);
    }

    private static async Task<Order> ShipAsync(Order order, string number, params string[] items) =>
        await Staff.ShipOrderAsync(
            new ShipOrderRequest
            {
                OrderId = order.OrderId,
                TrackingNumber = number,
                OrderItemIds = { items },
            }
        );

    private static async Task<Order> DeliverAsync(Order order) =>
        await Staff.DeliverOrderAsync(new DeliverOrderRequest { OrderId = order.OrderId });

    private static async Task<Order> ReturnAsync(Order order) =>
        await Staff.ReturnOrderAsync(new ReturnOrderRequest { OrderId = order.OrderId });

    private static async Task<Order> RefuseAsync(Order order) =>
        await Staff.RefuseDeliveryAsync(new RefuseDeliveryRequest { OrderId = order.OrderId });

    private static async Task<IEnumerable<OrderStatus>> UpdatesAsync(Order order) =>
        (await Mesh.EventsAsync<OrderUpdated>("order.updated", e => e.OrderId == order.OrderId)).Select(e =>
            e.Status
        );
}
