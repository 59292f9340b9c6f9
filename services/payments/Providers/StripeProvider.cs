using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Souk.Payments.Providers;

/// <summary>
/// Stripe over its HTTP API: PaymentIntents with manual capture, and refunds. Every POST carries an
/// Idempotency-Key made from our own, so a repeat within Stripe's 24 hours gets the first answer.
/// </summary>
internal sealed class StripeProvider(HttpClient http, PaymentsSettings settings) : IPaymentProvider
{
    /// <inheritdoc />
    public string Name => "stripe";

    /// <inheritdoc />
    public Task<ProviderCharge> AuthorizeAsync(ChargeOrder order, CancellationToken cancellationToken) =>
        PostAsync(
            "v1/payment_intents",
            $"{order.Key}-authorize",
            [
                ("amount", AmountOf(order.Amount)),
                ("currency", order.Amount.Currency.Code.ToLowerInvariant()),
                ("payment_method", order.Token),
                ("payment_method_types[]", "card"),
                ("capture_method", "manual"),
                ("confirm", "true"),
                ("return_url", settings.StripeReturnUrl),
                ("metadata[checkout_id]", order.Key),
                ("expand[]", "latest_charge"),
            ],
            StripeAnswer.ReadCharge,
            cancellationToken
        );

    /// <inheritdoc />
    public Task<ProviderCharge> CaptureAsync(ChargeOrder order, CancellationToken cancellationToken) =>
        PostAsync(
            $"v1/payment_intents/{Escape(order.TransactionId)}/capture",
            $"{order.Key}-capture",
            [("expand[]", "latest_charge")],
            StripeAnswer.ReadCharge,
            cancellationToken
        );

    /// <inheritdoc />
    public async Task<ProviderCharge> VoidAsync(ChargeOrder order, CancellationToken cancellationToken)
    {
        // An authorisation whose answer was lost has no id yet: asking for it again by the same key reveals
        // it.
        var known = order.TransactionId.Length > 0 ? order.TransactionId : null;
        if (known is null)
        {
            var charge = await AuthorizeAsync(order, cancellationToken);
            if (
                charge.State is ChargeState.Declined or ChargeState.Cancelled
                || charge.TransactionId.Length == 0
            )
                return charge;
            known = charge.TransactionId;
        }

        try
        {
            return await PostAsync(
                $"v1/payment_intents/{Escape(known)}/cancel",
                $"{order.Key}-cancel",
                [],
                StripeAnswer.ReadCharge,
                cancellationToken
            );
        }
        catch (ProviderRefusedException)
        {
            // It moved on meanwhile: whoever asked goes by where it stands.
            return await LookUpAsync(order with { TransactionId = known }, cancellationToken);
        }
    }

    /// <inheritdoc />
    public Task RefundAsync(
        ChargeOrder order,
        Money amount,
        string refundKey,
        CancellationToken cancellationToken
    ) =>
        PostAsync(
            "v1/refunds",
            refundKey,
            [("payment_intent", order.TransactionId), ("amount", AmountOf(amount))],
            StripeAnswer.CheckRefund,
            cancellationToken
        );

    /// <inheritdoc />
    public Task<ProviderCharge> LookUpAsync(ChargeOrder order, CancellationToken cancellationToken)
    {
        // Stripe answers a key that it knows as it did the first time, and starts nothing twice for it.
        if (order.TransactionId.Length == 0)
            return AuthorizeAsync(order, cancellationToken);
        var path = $"v1/payment_intents/{Escape(order.TransactionId)}?expand[]=latest_charge";
        return SendAsync(
            () => new HttpRequestMessage(HttpMethod.Get, path),
            StripeAnswer.ReadCharge,
            cancellationToken
        );
    }

    /// <inheritdoc />
    public Task<ProviderCharge> ConfirmAsync(
        ChargeOrder order,
        bool approved,
        CancellationToken cancellationToken
    ) => LookUpAsync(order, cancellationToken); // the buyer has answered Stripe, not us

    private Task<T> PostAsync<T>(
        string path,
        string idempotencyKey,
        (string Key, string Value)[] form,
        Func<HttpStatusCode, string, T> read,
        CancellationToken cancellationToken
    ) =>
        SendAsync(
            () =>
                new HttpRequestMessage(HttpMethod.Post, path)
                {
                    Headers = { { "Idempotency-Key", idempotencyKey } },
                    Content = new FormUrlEncodedContent(
                        form.Select(field => KeyValuePair.Create(field.Key, field.Value))
                    ),
                },
            read,
            cancellationToken
        );

    private async Task<T> SendAsync<T>(
        Func<HttpRequestMessage> make,
        Func<HttpStatusCode, string, T> read,
        CancellationToken cancellationToken
    )
    {
        using var request = make();
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", settings.StripeKey);
        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            return read(response.StatusCode, body);
        }
        catch (HttpRequestException refused)
            when (refused.HttpRequestError
                    is HttpRequestError.ConnectionError
                        or HttpRequestError.NameResolutionError
                        or HttpRequestError.SecureConnectionError
            )
        {
            throw new ProviderDownException("Stripe cannot be reached.", refused);
        }
        catch (Exception lost)
            when (lost is HttpRequestException or IOException or JsonException
                || (lost is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            throw new ProviderSilentException("Stripe's answer was lost.", lost);
        }
    }

    private static string AmountOf(Money amount) =>
        StripeAmounts.Of(amount).ToString(CultureInfo.InvariantCulture);

    private static string Escape(string id) => Uri.EscapeDataString(id);
}
