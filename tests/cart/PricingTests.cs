using FsCheck;
using FsCheck.Fluent;
using Souk.Cart;
using Souk.Shared;

namespace Souk.Tests.Cart;

/// <summary>What carts cost: the documents' examples, and what holds for every cart.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class PricingTests
{
    private const long ShippingMinor = 499;
    private static readonly Currency s_usd = Currency.Of("USD");
    private static readonly Pricing s_pricing = new(new CartSettings(TimeSpan.FromDays(7), 0));
    private static readonly Pricing s_shipped = new(new CartSettings(TimeSpan.FromDays(7), ShippingMinor));

    private static readonly Gen<PricedLine> s_line =
        from minor in Gen.Choose(1, 1_000_000)
        from quantity in Gen.Choose(1, 98)
        select new PricedLine(Usd(minor), quantity);

    private static readonly Gen<Coupon> s_percentage = Gen.Choose(1, 10_000).Select(Percentage);
    private static readonly Gen<Coupon> s_fixed = Gen.Choose(1, 10_000_000).Select(minor => Fixed(minor));

    private static readonly Gen<PricedLine[]> s_lines = Gen.Choose(1, 20).SelectMany(n => s_line.ArrayOf(n));

    private static readonly Gen<Coupon[]> s_coupons = Gen.Choose(0, CartChanges.CouponsMax)
        .SelectMany(n => Gen.OneOf(s_percentage, s_fixed).ArrayOf(n));

    [Test, Description("V1, CART-06, CART-12")]
    public void Price_OfTheReferenceCart_IsTheDocuments()
    {
        var price = s_pricing.Of([new(Usd(99_999), 1), new(Usd(24_999), 2)], [Percentage(1000)], s_usd);

        Assert.That(
            (price, price.Total),
            Is.EqualTo((new Price(Usd(149_997), Usd(15_000), Usd(10_800), Usd(0)), Usd(145_797)))
        );
    }

    [Test, Description("V8, K19")]
    public void Price_CouponsBeyondTheSubtotal_TakeOffTheSubtotalOnly()
    {
        var price = s_shipped.Of([new(Usd(2000), 1)], [Percentage(1000), Fixed(5000)], s_usd);

        Assert.That(
            (price, price.Total),
            Is.EqualTo((new Price(Usd(2000), Usd(2000), Usd(0), Usd(ShippingMinor)), Usd(ShippingMinor)))
        );
    }

    [Test, Description("CART-12, K19")]
    public void Price_SeveralCoupons_EachCountsOnTheRawSubtotal()
    {
        var price = s_pricing.Of(
            [new(Usd(10_000), 1)],
            [Percentage(1000), Percentage(2500), Fixed(500)],
            s_usd
        );

        Assert.That((price.Discount, price.Tax, price.Total), Is.EqualTo((Usd(4000), Usd(480), Usd(6480))));
    }

    [TestCase(6, 0)] // 0.48 cents
    [TestCase(7, 1)] // 0.56
    [TestCase(1250, 100)]
    [TestCase(1256, 100)] // 100.48
    [TestCase(1257, 101)] // 100.56
    [Description("CART-06")]
    public void Price_Tax_RoundsHalfUp(long minor, long tax) =>
        Assert.That(s_pricing.Of([new(Usd(minor), 1)], [], s_usd).Tax, Is.EqualTo(Usd(tax)));

    [Test, Description("CART-12")]
    public void Price_FixedCouponOfAnotherCurrency_TakesNothingOff()
    {
        var yen = Currency.Of("JPY");
        var price = s_pricing.Of([new(new Money(1000, yen), 1)], [Fixed(500)], yen);

        Assert.That(price.Discount, Is.EqualTo(Money.Zero(yen)));
    }

    [Test]
    public void Price_NoLines_CostsNothing() =>
        Assert.That(s_shipped.Of([], [Fixed(500)], s_usd).Total, Is.EqualTo(Usd(0)));

    [Test, Description("K19, CART-06")]
    public void Price_AnyCart_AddsUpWithinItsBounds() =>
        Prop.ForAll(
                s_lines.Zip(s_coupons).ToArbitrary(),
                cart =>
                {
                    var price = s_shipped.Of(cart.Item1, cart.Item2, s_usd);
                    var taxed = price.Subtotal - price.Discount;
                    return price.Discount >= Usd(0)
                        && price.Discount <= price.Subtotal
                        && price.Total >= Usd(0)
                        && price.Total == taxed + price.Tax + price.Shipping
                        && Math.Abs((taxed.Minor * 8) - (price.Tax.Minor * 100)) <= 50;
                }
            )
            .QuickCheckThrowOnFailure();

    [Test, Description("CART-12")]
    public void Price_CouponsInAnyOrder_IsTheSame() =>
        Prop.ForAll(
                s_lines
                    .Zip(s_coupons)
                    .SelectMany(cart =>
                        Gen.Shuffle(cart.Item2).Select(shuffled => (cart.Item1, cart.Item2, shuffled))
                    )
                    .ToArbitrary(),
                cart =>
                    s_pricing.Of(cart.Item1, cart.Item2, s_usd)
                    == s_pricing.Of(cart.Item1, cart.shuffled, s_usd)
            )
            .QuickCheckThrowOnFailure();

    // Of several percentages each rounds for itself, so that a cent more may take off several.
    [Test, Description("CART-06")]
    public void Price_OneUnitMore_NeverCostsLess() =>
        Prop.ForAll(
                s_lines.Zip(s_percentage).Zip(s_fixed).ToArbitrary(),
                cart =>
                {
                    var ((lines, percentage), amount) = cart;
                    Coupon[] coupons = [percentage, amount];
                    PricedLine[] more = [lines[0] with { Quantity = lines[0].Quantity + 1 }, .. lines[1..]];
                    var before = s_pricing.Of(lines, coupons, s_usd);
                    var after = s_pricing.Of(more, coupons, s_usd);
                    return after.Subtotal > before.Subtotal
                        && after.Discount >= before.Discount
                        && after.Total >= before.Total;
                }
            )
            .QuickCheckThrowOnFailure();

    private static Money Usd(long minor) => new(minor, s_usd);

    private static Coupon Percentage(int basisPoints) =>
        new("P", basisPoints, null, DateTimeOffset.MinValue, null, null, 0);

    private static Coupon Fixed(long minor) =>
        new("F", null, Usd(minor), DateTimeOffset.MinValue, null, null, 0);
}
