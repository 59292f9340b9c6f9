namespace Souk.Cart;

/// <summary>What a line costs today.</summary>
internal readonly record struct PricedLine(Money UnitPrice, int Quantity);

/// <summary>What a cart costs (CART-06). Every amount is in one currency.</summary>
internal sealed record Price(Money Subtotal, Money Discount, Money Tax, Money Shipping)
{
    /// <summary>What the buyer pays.</summary>
    public Money Total => Subtotal - Discount + Tax + Shipping;
}

/// <summary>
/// The one place where totals come from: cart summary and checkout both ask here. Pure; a region's rules for
/// tax and shipping (K20) belong here too.
/// </summary>
internal sealed class Pricing(CartSettings settings)
{
    private const int TaxPercent = 8;

    /// <summary>Prices lines with the coupons that may be used.</summary>
    public Price Of(IReadOnlyList<PricedLine> lines, IReadOnlyList<Coupon> coupons, Currency currency)
    {
        var subtotal = lines.Aggregate(
            Money.Zero(currency),
            (sum, line) => sum + line.UnitPrice * line.Quantity
        );
        var discount = Discount(subtotal, coupons);
        var price = new Price(subtotal, discount, Tax(subtotal - discount), Shipping(lines, currency));
        Invariant.That(!price.Total.IsNegative, "a total is never below zero");
        return price;
    }

    // K19: every coupon counts on the raw subtotal, all add up, and together they take off the subtotal at
    // most.
    private static Money Discount(Money subtotal, IReadOnlyList<Coupon> coupons)
    {
        var sum = coupons.Aggregate(
            Money.Zero(subtotal.Currency),
            (sum, coupon) => sum + coupon.Off(subtotal)
        );
        return Money.Min(sum, subtotal);
    }

    // The documents' default: 8% everywhere, rounded half up.
    private static Money Tax(Money taxed) => taxed.Percent(TaxPercent, Rounding.HalfUp);

    // One fee for an order, by default none.
    private Money Shipping(IReadOnlyList<PricedLine> lines, Currency currency) =>
        new(lines.Count == 0 ? 0 : settings.ShippingFlatMinor, currency);
}
