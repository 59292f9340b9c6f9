using Grpc.Core;
using Souk.Cart.V1;
using Souk.Ordering.V1;
using Souk.Tests.Harness;
using Money = Souk.Type.Money;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Cart;

/// <summary>Which coupons a cart takes, and how often a coupon counts as used.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class CouponsTests
{
    private static CartMesh Mesh => SharedCarts.Mesh;

    [Test, Description("CART-05")]
    public async Task ApplyCoupon_UnknownCode_FailsWithNotFound() =>
        Assert.That(
            await ApplyFailureAsync("NO-SUCH-CODE"),
            Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
        );

    [TestCase("valid_until = '2026-02-28'")]
    [TestCase("valid_from = '2126-01-01'")]
    [Description("CART-05")]
    public async Task ApplyCoupon_OutsideItsTime_FailsWithCouponExpired(string columns)
    {
        var code = await Mesh.CouponAsync(columns);
        var failure = await ApplyFailureAsync(code);

        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "COUPON_EXPIRED")));
        Assert.That(failure.Metadata["code"], Is.EqualTo(code));
    }

    [Test, Description("CART-05")]
    public async Task ApplyCoupon_UsedUp_FailsWithCouponLimit() =>
        Assert.That(
            await ApplyFailureAsync(await Mesh.CouponAsync("usage_limit = 3, used_count = 3")),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "COUPON_LIMIT"))
        );

    [Test, Description("CART-05")]
    public async Task ApplyCoupon_Twice_ChangesNothing()
    {
        var buyer = TestCaller.Buyer();
        var once = await ApplyAsync(buyer, " save10");
        var twice = await ApplyAsync(buyer, "SAVE10");

        Assert.That(once.Coupons, Is.EqualTo(new[] { "SAVE10" }));
        Assert.That(twice, Is.EqualTo(once));
    }

    [Test, Description("CART-05")]
    public async Task RemoveCoupon_Twice_LeavesTheOthers()
    {
        var buyer = TestCaller.Buyer();
        await ApplyAsync(buyer, "SAVE10");
        await ApplyAsync(buyer, "FIRSTORDER");

        var once = await RemoveAsync(buyer, "save10");

        Assert.That(once.Coupons, Is.EqualTo(new[] { "FIRSTORDER" }));
        Assert.That(await RemoveAsync(buyer, "SAVE10"), Is.EqualTo(once));
    }

    [Test, Description("V1, CART-06, CART-12")]
    public async Task GetCartSummary_OfTheReferenceCart_IsTheDocuments()
    {
        var buyer = TestCaller.Buyer();
        await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("999.99"));
        var cart = await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("249.99"), 2);
        await ApplyAsync(buyer, "SAVE10");

        Assert.That(
            await Mesh.SummaryAsync(buyer),
            Is.EqualTo(
                new CartSummary
                {
                    Currency = "USD",
                    Subtotal = Usd(149_997),
                    Discount = Usd(15_000),
                    Tax = Usd(10_800),
                    Shipping = Usd(0),
                    Total = Usd(145_797),
                    Items = { cart.Items },
                    Coupons = { "SAVE10" },
                }
            )
        );

        await ApplyAsync(buyer, "FIRSTORDER");
        Assert.That((await Mesh.SummaryAsync(buyer)).Discount, Is.EqualTo(Usd(15_500)));
    }

    [Test, Description("V8, K19")]
    public async Task GetCartSummary_CouponsBeyondTheSubtotal_CostsTheShippingOnly()
    {
        var buyer = TestCaller.Buyer();
        await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("20"));
        await ApplyAsync(buyer, "SAVE10");
        await ApplyAsync(
            buyer,
            await Mesh.CouponAsync(
                "type = 'fixed', basis_points = null, amount_minor = 5000, currency = 'USD'"
            )
        );

        var summary = await Mesh.SummaryAsync(buyer);

        Assert.That(
            (summary.Subtotal, summary.Discount, summary.Tax, summary.Total),
            Is.EqualTo((Usd(2000), Usd(2000), Usd(0), Usd(0)))
        );
    }

    [Test, Description("CART-12")]
    public async Task GetCartSummary_CouponThatNoLongerHelps_IsLeftOut()
    {
        var buyer = TestCaller.Buyer();
        var code = await Mesh.CouponAsync();
        await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("100", "EUR"));
        await ApplyAsync(buyer, code);
        await ApplyAsync(buyer, "FIRSTORDER"); // USD
        Assert.That((await Mesh.SummaryAsync(buyer)).Coupons, Is.EqualTo(new[] { code }));

        await Mesh.Service.Db.ExecuteAsync(
            "update coupon set valid_until = '2026-02-28' where code = $1",
            [code],
            CancellationToken.None
        );
        Mesh.ForgetCoupons();

        var summary = await Mesh.SummaryAsync(buyer);
        Assert.That((summary.Coupons.Count, summary.Discount.MinorUnits), Is.EqualTo((0, 0)));
        Assert.That((await Mesh.GetAsync(buyer)).Coupons, Has.Count.EqualTo(2));
    }

    [Test, Description("CART-05, CART-12")]
    public async Task OrderCreated_ManyTimes_CountsAnOrdersCouponOnce()
    {
        var code = await Mesh.CouponAsync("usage_limit = 2");
        var first = new OrderCreated { OrderId = "ord_1" + code, Coupons = { code, "NO-SUCH-CODE" } };
        var sent = CartMesh.Event("order.created", first);
        await DeliverAsync(sent);
        await DeliverAsync(sent);
        await DeliverAsync(CartMesh.Event("order.created", first));
        Assert.That(await UsedAsync(code), Is.EqualTo(1));

        first.OrderId = "ord_2" + code;
        await DeliverAsync(CartMesh.Event("order.created", first));
        Assert.That(await UsedAsync(code), Is.EqualTo(2));

        Mesh.ForgetCoupons();
        Assert.That(
            await ApplyFailureAsync(code),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "COUPON_LIMIT"))
        );
    }

    private static async Task DeliverAsync(Souk.Shared.OutboxEvent sent) =>
        Assert.That(await Mesh.Mesh.Bus.DeliverAsync("cart", sent), Is.EqualTo(Verdict.Success));

    private static Task<int> UsedAsync(string code) =>
        Mesh.Service.Db.ScalarAsync<int>(
            "select used_count from coupon where code = $1",
            [code],
            CancellationToken.None
        );

    private static async Task<Souk.Cart.V1.Cart> ApplyAsync(TestCaller buyer, string code) =>
        await Mesh.As(buyer).ApplyCouponAsync(new ApplyCouponRequest { Code = code });

    private static async Task<Souk.Cart.V1.Cart> RemoveAsync(TestCaller buyer, string code) =>
        await Mesh.As(buyer).RemoveCouponAsync(new RemoveCouponRequest { Code = code });

    private static Task<Failure> ApplyFailureAsync(string code) =>
        Failure.OfAsync(() => ApplyAsync(TestCaller.Buyer(), code));

    private static Money Usd(long minor) => new() { Currency = "USD", MinorUnits = minor };
}
