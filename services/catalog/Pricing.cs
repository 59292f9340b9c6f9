using Souk.Catalog.V1;

namespace Souk.Catalog;

/// <summary>
/// What things cost at an instant. Documents are cached, prices never: a discount ends by the clock
/// (CAT-08).
/// </summary>
internal static class Pricing
{
    private const int BasisPointsWhole = 10_000;
    private const int BasisPointsPerPercent = 100;

    /// <summary>What a buyer pays for one of a product at an instant.</summary>
    internal static Money Of(Product product, DateTimeOffset now) =>
        Reduced(product.Price, product.Price.Amount, now);

    /// <summary>What a buyer pays for one of a variant at an instant.</summary>
    internal static Money Of(Product product, Variant variant, DateTimeOffset now) =>
        Reduced(product.Price, variant.Price ?? product.Price.Amount, now);

    private static Money Reduced(Price price, Souk.Type.Money amount, DateTimeOffset now)
    {
        var full = new Money(amount.MinorUnits, Currency.Of(price.Currency));
        return IsValid(price.Discount, now)
            ? full.BasisPoints(BasisPointsWhole - BasisPoints(price.Discount), Rounding.HalfUp)
            : full;
    }

    private static bool IsValid(Discount? discount, DateTimeOffset now) =>
        discount is { Type: DiscountType.Percentage }
        && (discount.ValidUntil is null || now <= discount.ValidUntil.ToDateTimeOffset());

    // At most two decimals were let in, so the product is whole but for the binary fraction.
    private static long BasisPoints(Discount discount) =>
        (long)Math.Round(discount.Value * BasisPointsPerPercent, MidpointRounding.AwayFromZero);
}
