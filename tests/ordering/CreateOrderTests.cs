using Grpc.Core;
using Souk.Cart.V1;
using Souk.Ordering.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Money = Souk.Type.Money;

namespace Souk.Tests.Ordering;

/// <summary>Mirrors OrderingService.Create.cs.</summary>
internal sealed class CreateOrderTests : OrderingTests
{
    [Test]
    [Description("ORD-01, ORD-04 to ORD-06, ORD-09, ORD-16")]
    public async Task CreateOrder_Card_IsConfirmedChargedAndPublishedOnce()
    {
        var buyer = TestCaller.Buyer();
        var sku = await Mesh.GoodsAsync(stock: 3, amount: "25.00");

        var order = await As(buyer).CreateOrderAsync(OrderingMesh.Request(sku));

        Assert.Multiple(() =>
        {
            Assert.That(order.Status, Is.EqualTo(OrderStatus.Confirmed));
            Assert.That(order.UserId, Is.EqualTo(buyer.UserId));
            Assert.That(order.OrderNumber, Does.StartWith("SO-"));
            Assert.That(order.Items.Single().Sku, Is.EqualTo(sku));
            Assert.That(order.Items.Single().SellerId, Is.EqualTo(Mesh.Seller.UserId));
            Assert.That(
                (order.Subtotal, order.Discount, order.Tax, order.ShippingFee, order.Total),
                Is.EqualTo((Usd(2500), Usd(0), Usd(200), Usd(0), Usd(2700)))
            );
            Assert.That(order.PaymentStatus, Is.EqualTo("completed"));
            Assert.That(order.BillingAddress, Is.EqualTo(order.ShippingAddress));
            Assert.That(order.EstimatedDelivery, Does.Match("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"));
        });
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo(("captured", 2700)));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((2, 0)));
        var created = await Mesh.EventsAsync<OrderCreated>("order.created", e => e.OrderId == order.OrderId);
        Assert.That(created.Single().Total, Is.EqualTo(order.Total));
        Assert.That(created.Single().Items.Single().Quantity, Is.EqualTo(1));
        var mails = await Mesh.EventsAsync<NotificationEmail>(
            "notification.email",
            e => e.OrderId == order.OrderId
        );
        Assert.That(mails.Select(mail => mail.Template), Is.EqualTo(new[] { "order_confirmed" }));
    }

    [Test]
    [Description("ORD-01: answers while the payment is still under way, its stock held")]
    public async Task CreateOrder_NoWait_AnswersPendingWithStockHeld()
    {
        var sku = await Mesh.GoodsAsync(stock: 3);
        var request = OrderingMesh.Request(sku);
        request.WaitSeconds = 0;
        request.PaymentMethod.Token = "tok_challenge";
        var order = await As(TestCaller.Buyer()).CreateOrderAsync(request);
        Assert.That(order.Status, Is.EqualTo(OrderStatus.Pending));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((2, 1)));
    }

    [Test]
    [Description("X-09: same key, same order; same key, other order")]
    public async Task CreateOrder_SameKey_AnswersTheSameOrRefusesAnother()
    {
        var buyer = TestCaller.Buyer();
        var sku = await Mesh.GoodsAsync();
        var request = OrderingMesh.Request(sku);
        var first = await As(buyer).CreateOrderAsync(request);
        Assert.That(await As(buyer).CreateOrderAsync(request), Is.EqualTo(first));

        request.Items[0].Quantity = 2;
        var failure = await Failure.OfAsync(() => As(buyer).CreateOrderAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH")));
        var stranger = await As(TestCaller.Buyer()).CreateOrderAsync(request);
        Assert.That(stranger.OrderId, Is.Not.EqualTo(first.OrderId), "a key is its buyer's own");
    }

    [TestCase("card")]
    [TestCase("cod")]
    [Description("PAY-12: before the order, its workflow or a log has it")]
    public async Task CreateOrder_CardNumberAsToken_IsRefusedAndKeptNowhere(string method)
    {
        const string number = "4000 0566 5566 5556";
        var sku = await Mesh.GoodsAsync(stock: 3);
        var request = OrderingMesh.Request(sku);
        request.PaymentMethod.Type = method;
        request.PaymentMethod.Token = number;
        var failure = await Failure.OfAsync(() => As(TestCaller.Buyer()).CreateOrderAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "CARD_NUMBER_REFUSED")));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "payment_method.token" }));
        Assert.That(failure.Error.Status.Detail, Does.Not.Contain(number));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((3, 0)));
    }

    [Test]
    [Description("X-09: parallel calls with one key")]
    public async Task CreateOrder_SameKeyInParallel_MakesOneOrder()
    {
        var buyer = TestCaller.Buyer();
        var sku = await Mesh.GoodsAsync(stock: 30);
        var request = OrderingMesh.Request(sku);
        var orders = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(async _ => await As(buyer).CreateOrderAsync(request))
        );
        Assert.That(orders.Select(order => order.OrderId).Distinct().Count(), Is.EqualTo(1));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((29, 0)));
    }

    private static IEnumerable<TestCaseData> BadFields()
    {
        yield return Bad("key", r => r.RequestId = "seven", "request_id");
        yield return Bad("quantity", r => r.Items[0].Quantity = 0, "items[0].quantity");
        yield return Bad("negative quantity", r => r.Items[0].Quantity = -1, "items[0].quantity");
        yield return Bad("too many", r => r.Items[0].Quantity = 100, "items[0].quantity");
        yield return Bad("neither sku nor product", r => r.Items[0].Sku = "", "items[0].sku");
        yield return Bad("wait", r => r.WaitSeconds = 31, "wait_seconds");
        yield return Bad("negative wait", r => r.WaitSeconds = -1, "wait_seconds");
        yield return Bad("no address", r => r.ShippingAddress = null, "shipping_address");
        yield return Bad("country", r => r.ShippingAddress.Country = "u1", "shipping_address.country");
        yield return Bad(
            "bill's country",
            r =>
            {
                r.BillingAddress = r.ShippingAddress.Clone();
                r.BillingAddress.Country = "u1";
            },
            "billing_address.country"
        );
        yield return Bad("no payment method", r => r.PaymentMethod = null, "payment_method");
        yield return Bad(
            "strange payment method",
            r => r.PaymentMethod.Type = "shells",
            "payment_method.type"
        );
        yield return Bad("card without token", r => r.PaymentMethod.Token = "", "payment_method.token");
    }

    [TestCaseSource(nameof(BadFields))]
    [Description("X-08")]
    public async Task CreateOrder_BadField_IsNamed(Action<CreateOrderRequest> spoil, string field)
    {
        var request = OrderingMesh.Request("some-sku");
        spoil(request);
        var failure = await Failure.OfAsync(() => As(TestCaller.Buyer()).CreateOrderAsync(request));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.InvalidArgument));
        Assert.That(failure.Fields, Does.Contain(field));
    }

    [Test]
    public async Task CreateOrder_NoKey_FailsWithIdempotencyKeyRequired()
    {
        var request = OrderingMesh.Request("some-sku");
        request.RequestId = "";
        await FailsAsync(TestCaller.Buyer(), request, StatusCode.InvalidArgument, "IDEMPOTENCY_KEY_REQUIRED");
    }

    [Test]
    public async Task CreateOrder_ForSomebodyElse_FailsWithNotYourAccount()
    {
        var request = OrderingMesh.Request("some-sku");
        request.UserId = TestCaller.Buyer().UserId;
        await FailsAsync(TestCaller.Buyer(), request, StatusCode.PermissionDenied, "NOT_YOUR_ACCOUNT");
    }

    [Test]
    public Task CreateOrder_Guest_FailsWithRoleRequired() =>
        FailsAsync(
            TestCaller.Guest(),
            OrderingMesh.Request("some-sku"),
            StatusCode.PermissionDenied,
            "ROLE_REQUIRED"
        );

    [Test]
    public async Task CreateOrder_EmptyCart_FailsWithCartEmpty()
    {
        var failure = await FailsAsync(
            TestCaller.Buyer(),
            OrderingMesh.Request(),
            StatusCode.FailedPrecondition,
            "CART_EMPTY"
        );
        Assert.That(Fault.InfoOf(failure.Error)?.Domain, Is.EqualTo("souk.ordering"));
    }

    [Test]
    public Task CreateOrder_UnknownSku_IsNotFound() =>
        FailsAsync(
            TestCaller.Buyer(),
            OrderingMesh.Request("no-such-sku"),
            StatusCode.NotFound,
            "RESOURCE_NOT_FOUND"
        );

    [Test]
    public async Task CreateOrder_Draft_FailsWithProductUnavailable()
    {
        var draft = await Mesh.DraftAsync();
        var sku = draft.Variants[0].Sku;
        var failure = await FailsAsync(
            TestCaller.Buyer(),
            OrderingMesh.Request(sku),
            StatusCode.FailedPrecondition,
            "PRODUCT_UNAVAILABLE"
        );
        Assert.That(failure.Metadata["sku"], Is.EqualTo(sku));
    }

    [Test]
    public async Task CreateOrder_TwoCurrencies_FailsWithCurrencyMismatch() =>
        await FailsAsync(
            TestCaller.Buyer(),
            OrderingMesh.Request(await Mesh.GoodsAsync(), await Mesh.GoodsAsync(currency: "EUR")),
            StatusCode.FailedPrecondition,
            "CURRENCY_MISMATCH"
        );

    [Test]
    [Description("ORD-07: sold out is told at once and costs nothing")]
    public async Task CreateOrder_TooFewLeft_FailsWithOutOfStock()
    {
        var buyer = TestCaller.Buyer();
        var sku = await Mesh.GoodsAsync(stock: 1);
        var request = OrderingMesh.Request(sku);
        request.Items[0].Quantity = 2;

        var failure = await FailsAsync(buyer, request, StatusCode.Aborted, "OUT_OF_STOCK");

        Assert.That((failure.Metadata["sku"], failure.Metadata["available"]), Is.EqualTo((sku, "1")));
        Assert.That(failure.Error.Status.Detail, Is.EqualTo("Sorry, Sold Out"));
        var order = (await As(buyer).ListOrdersAsync(new ListOrdersRequest())).Orders.Single();
        Assert.That(order.Status, Is.EqualTo(OrderStatus.Failed));
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo(("none", 0)));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task CreateOrder_OtherPriceThanSeen_FailsWithPriceChanged()
    {
        var request = OrderingMesh.Request(await Mesh.GoodsAsync(amount: "25.00"));
        request.Items[0].Price = Usd(2000);
        var failure = await FailsAsync(TestCaller.Buyer(), request, StatusCode.Aborted, "PRICE_CHANGED");
        Assert.That((failure.Metadata["old"], failure.Metadata["new"]), Is.EqualTo(("20.00", "25.00")));
    }

    [TestCase("tok_declined", "PAYMENT_DECLINED")]
    [TestCase("tok_insufficient_funds", "INSUFFICIENT_FUNDS")]
    [Description("ORD-07")]
    public async Task CreateOrder_CardRefused_FailsTheOrderAndPutsStockBack(string token, string reason)
    {
        var sku = await Mesh.GoodsAsync(stock: 1);
        var request = OrderingMesh.Request(sku);
        request.PaymentMethod.Token = token;
        var order = await As(TestCaller.Buyer()).CreateOrderAsync(request);
        Assert.That((order.Status, order.Failure.Reason), Is.EqualTo((OrderStatus.Failed, reason)));
        Assert.That(order.Failure.Message, Does.StartWith("Payment Failed"));
        Assert.That(await Mesh.StockAsync(sku), Is.EqualTo((1, 0)));
        Assert.That(
            await Mesh.EventsAsync<OrderCreated>("order.created", e => e.OrderId == order.OrderId),
            Is.Empty
        );
    }

    [Test]
    [Description("PAY-08: the answer that was lost is looked up")]
    public async Task CreateOrder_ProviderSilent_ChargesOnce()
    {
        var request = OrderingMesh.Request(await Mesh.GoodsAsync());
        request.PaymentMethod.Token = "tok_timeout_after_success";
        var order = await As(TestCaller.Buyer()).CreateOrderAsync(request);
        Assert.That(order.Status, Is.EqualTo(OrderStatus.Confirmed));
        Assert.That(await Mesh.ChargeAsync(order), Is.EqualTo(("captured", order.Total.MinorUnits)));
    }

    [Test]
    [Description("PAY-05")]
    public async Task CreateOrder_CashOnDelivery_IsConfirmedUnpaid()
    {
        var request = OrderingMesh.CashRequest(await Mesh.GoodsAsync());
        var order = await As(TestCaller.Buyer()).CreateOrderAsync(request);
        Assert.That(OrderingMesh.StateOf(order), Is.EqualTo((OrderStatus.Confirmed, "pending_cod")));
    }

    [Test]
    [Description("ORD-06: the cart is bought at its own prices and is empty then")]
    public async Task CreateOrder_NoItems_BuysTheCartAndClearsIt()
    {
        var buyer = TestCaller.Buyer();
        var cart = Mesh.CartOf(buyer);
        var sku = await Mesh.GoodsAsync(stock: 5);
        await cart.AddCartItemAsync(new AddCartItemRequest { Sku = sku, Quantity = 2 });
        await cart.ApplyCouponAsync(new ApplyCouponRequest { Code = "SAVE10" });

        var order = await Mesh.ConfirmedAsync(buyer);

        Assert.That(order.Coupons, Is.EqualTo(new[] { "SAVE10" }));
        Assert.That((order.Discount, order.Total), Is.EqualTo((Usd(500), Usd(4860))));
        Assert.That(
            () => cart.GetCart(new GetCartRequest()).Items,
            Is.Empty.After(delayInMilliseconds: 60_000, pollingInterval: 50),
            "cleared after the answer"
        );
    }

    private static async Task<Failure> FailsAsync(
        TestCaller buyer,
        CreateOrderRequest request,
        StatusCode code,
        string reason
    )
    {
        var failure = await Failure.OfAsync(() => As(buyer).CreateOrderAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(code, reason)));
        return failure;
    }

    private static TestCaseData Bad(string name, Action<CreateOrderRequest> spoil, string field) =>
        new TestCaseData(spoil, field).SetArgDisplayNames(name);

    private static Money Usd(long minor) => new() { Currency = "USD", MinorUnits = minor };
}
