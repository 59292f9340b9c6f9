namespace Souk.Cart;

/// <summary>What cart alone is told from outside.</summary>
/// <param name="Lifetime">How long a cart lives after its last change, 7 to 30 days.</param>
/// <param name="ShippingFlatMinor">What delivery costs an order, in minor units of its currency; 0 for free
/// delivery.</param>
internal sealed record CartSettings(TimeSpan Lifetime, long ShippingFlatMinor)
{
    public static CartSettings FromEnvironment() =>
        new(
            TimeSpan.FromDays(Env.Int("SOUK_CART_TTL_DAYS", 7, 7, 30)),
            Env.Int("SOUK_SHIPPING_FLAT_MINOR", 0, 0, 1_000_000)
        );
}
