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
    private static readonly Currency Dollars = Currency.Of("USD");
    private static readonly Pricing Unshipped = new(new CartSettings(TimeSpan.FromDays(7), 0));
    private static readonly Pricing Shipped = new(new CartSettings(TimeSpan.FromDays(7), ShippingMinor));

    private static readonly Gen<PricedLine> Line =
        from minor in Gen.Choose(1, 1_000_000)
        from quantity in Gen.Choose(1, 98)
        select new PricedLine(Usd(minor), quantity);

    private static readonly Gen<Coupon> AnyPercentage = Gen.Choose(1, 10_000).Select(Percentage);
    private static readonly Gen<Coupon> AnyFixed = Gen.Choose(1, 10_000_000).Select(minor => Fixed(minor));

    private static readonly Gen<PricedLine[]> Lines = Gen.Choose(1, 20).SelectMany(n => Line.ArrayOf(n));

    private static readonly Gen<Coupon[]> AnyCoupons = Gen.Choose(0, CartChanges.CouponsMax)
        .SelectMany(n => Gen.OneOf(AnyPercentage, AnyFixed).ArrayOf(n));

    [Test, Description("V1, CART-06, CART-12")]
    public void Price_OfTheReferenceCart_IsTheDocuments()
    {
        var price = Unshipped.Of([new(Usd(99_999), 1), new(Usd(24_999), 2)], [Percentage(1000)], Dollars);

        Assert.That(
            (price, price.Total),
            Is.EqualTo((new Price(Usd(149_997), Usd(15_000), Usd(10_800), Usd(0)), Usd(145_797)))
        );
    }

    [Test, Description("V8, K19")]
    public void Price_CouponsBeyondTheSubtotal_TakeOffTheSubtotalOnly()
    {
        var price = Shipped.Of([new(Usd(2000), 1)], [Percentage(1000), Fixed(5000)], Dollars);

        Assert.That(
            (price, price.Total),
            Is.EqualTo((new Price(Usd(2000), Usd(2000), Usd(0), Usd(ShippingMinor)), Usd(ShippingMinor)))
        );
    }

    [Test, Description("CART-12, K19")]
    public void Price_SeveralCoupons_EachCountsOnTheRawSubtotal()
    {
        var price = Unshipped.Of(
            [new(Usd(10_000), 1)],
            [Percentage(1000), Percentage(2500), Fixed(500)],
            Dollars
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
        Assert.That(Unshipped.Of([new(Usd(minor), 1)], [], Dollars).Tax, Is.EqualTo(Usd(tax)));

    [Test, Description("CART-12")]
    public void Price_FixedCouponOfAnotherCurrency_TakesNothingOff()
    {
        var yen = Currency.Of("JPY");
        var price = Unshipped.Of([new(new Money(1000, yen), 1)], [Fixed(500)], yen);

        Assert.That(price.Discount, Is.EqualTo(Money.Zero(yen)));
    }

    [Test]
    public void Price_NoLines_CostsNothing() =>
        Assert.That(Shipped.Of([], [Fixed(500)], Dollars).Total, Is.EqualTo(Usd(0)));

    [Test, Description("K19, CART-06")]
    public void Price_AnyCart_AddsUpWithinItsBounds() =>
        Prop.ForAll(
                Lines.Zip(AnyCoupons).ToArbitrary(),
                cart =>
                {
                    var price = Shipped.Of(cart.Item1, cart.Item2, Dollars);
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
                Lines
                    .Zip(AnyCoupons)
                    .SelectMany(cart =>
                        Gen.Shuffle(cart.Item2).Select(shuffled => (cart.Item1, cart.Item2, shuffled))
                    )
                    .ToArbitrary(),
                cart =>
                    Unshipped.Of(cart.Item1, cart.Item2, Dollars)
                    == Unshipped.Of(cart.Item1, cart.shuffled, Dollars)
            )
            .QuickCheckThrowOnFailure();

    // Of several percentages each rounds for itself, so that a cent more may take off several.
    [Test, Description("CART-06")]
    public void Price_OneUnitMore_NeverCostsLess() =>
        Prop.ForAll(
                Lines.Zip(AnyPercentage).Zip(AnyFixed).ToArbitrary(),
                cart =>
                {
                    var ((lines, percentage), amount) = cart;
                    Coupon[] coupons = [percentage, amount];
                    PricedLine[] more = [lines[0] with { Quantity = lines[0].Quantity + 1 }, .. lines[1..]];
                    var before = Unshipped.Of(lines, coupons, Dollars);
                    var after = Unshipped.Of(more, coupons, Dollars);
                    return after.Subtotal > before.Subtotal
                        && after.Discount >= before.Discount
                        && after.Total >= before.Total;
                }
            )
            .QuickCheckThrowOnFailure();

    private static Money Usd(long minor) => new(minor, Dollars);

    private static Coupon Percentage(int basisPoints) =>
        new("P", basisPoints, null, DateTimeOffset.MinValue, null, null, 0);

    private static Coupon Fixed(long minor) =>
        new("F", null, Usd(minor), DateTimeOffset.MinValue, null, null, 0);
}
