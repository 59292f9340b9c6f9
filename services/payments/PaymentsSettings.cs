namespace Souk.Payments;

/// <summary>What payments alone is told from outside.</summary>
/// <param name="Provider">"simulator" or "stripe".</param>
/// <param name="StripeUrl">Stripe's API, or a stub that behaves like it.</param>
/// <param name="StripeKey">The secret API key; from the environment of the secret store, never from a file of
/// ours.</param>
/// <param name="StripeWebhookSecret">What Stripe signs its events with.</param>
/// <param name="StripeReturnUrl">Where a buyer comes back to after a challenge.</param>
internal sealed record PaymentsSettings(
    string Provider,
    Uri StripeUrl,
    string StripeKey,
    string StripeWebhookSecret,
    string StripeReturnUrl
)
{
    public static PaymentsSettings FromEnvironment()
    {
        var settings = new PaymentsSettings(
            Env.Text("SOUK_PAYMENT_PROVIDER", "simulator"),
            new Uri(Env.Text("SOUK_STRIPE_URL", "https://api.stripe.com/")),
            Env.Text("SOUK_STRIPE_KEY", ""),
            Env.Text("SOUK_STRIPE_WEBHOOK_SECRET", ""),
            Env.Text("SOUK_STRIPE_RETURN_URL", "http://127.0.0.1:8080/")
        );
        if (settings.Provider is not ("simulator" or "stripe"))
            throw new InvalidOperationException("SOUK_PAYMENT_PROVIDER must be simulator or stripe.");
        if (settings.Provider == "stripe" && settings.StripeKey.Length == 0)
            throw new InvalidOperationException(
                "SOUK_STRIPE_KEY is needed when SOUK_PAYMENT_PROVIDER is stripe."
            );
        return settings;
    }
}
