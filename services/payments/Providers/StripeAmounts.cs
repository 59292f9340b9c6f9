namespace Souk.Payments.Providers;

/// <summary>
/// Amounts as Stripe counts them: minor units as in ISO 4217, but for three currencies
/// (docs.stripe.com/currencies, "special cases" and "zero-decimal").
/// </summary>
internal static class StripeAmounts
{
    /// <summary>The amount in Stripe's units; refused where it is no whole number of them, for nothing is
    /// ever rounded here.</summary>
    public static long Of(Money amount)
    {
        var scale = amount.Currency.Code switch
        {
            // Whole units to ISO, hundredths to Stripe.
            "ISK" or "UGX" => 100,
            // Hundredths to ISO, whole units to Stripe.
            "MGA" => 1,
            _ => amount.Currency.Scale,
        };
        var (units, rest) = Int128.DivRem((Int128)amount.Minor * scale, amount.Currency.Scale);
        return rest == 0 ? checked((long)units) : throw new ProviderRefusedException("invalid_amount");
    }
}
