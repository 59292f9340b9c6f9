using System.Net;
using System.Text.Json;

namespace Souk.Payments.Providers;

/// <summary>Reads Stripe's answers: PaymentIntents, refunds and errors.</summary>
internal static class StripeAnswer
{
    /// <summary>The charge that an answer tells of; throws when it tells that nothing is known.</summary>
    public static ProviderCharge ReadCharge(HttpStatusCode status, string body)
    {
        ThrowIfUndecided(status);
        using var json = JsonDocument.Parse(body);
        if (!json.RootElement.TryGetProperty("error", out var error))
            return ReadObject(json.RootElement);
        if (Text(error, "type") != "card_error")
            throw Refused(error);
        var declineCode = Text(error, "decline_code");
        var intent = error.TryGetProperty("payment_intent", out var found) ? Text(found, "id") : "";
        return new ProviderCharge(
            ChargeState.Declined,
            intent,
            DeclineCode: declineCode.Length > 0 ? declineCode : Text(error, "code")
        );
    }

    /// <summary>Throws unless the answer is a refund that is made or on its way; its id.</summary>
    public static string CheckRefund(HttpStatusCode status, string body)
    {
        ThrowIfUndecided(status);
        using var json = JsonDocument.Parse(body);
        if (json.RootElement.TryGetProperty("error", out var error))
            throw Refused(error);
        if (Text(json.RootElement, "status") is "failed" or "canceled")
            throw new ProviderRefusedException(
                Text(json.RootElement, "failure_reason") is { Length: > 0 } why ? why : "refund_failed"
            );
        return Text(json.RootElement, "id");
    }

    private static void ThrowIfUndecided(HttpStatusCode status)
    {
        // 409: another request with the same key is under way; 429: too many requests. Neither did anything.
        if (status is HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests)
            throw new ProviderDownException($"Stripe asks to wait ({(int)status}).");
        // A wrong key is the operator's to mend; no payment may fail for it.
        if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            throw new ProviderDownException($"Stripe does not accept SOUK_STRIPE_KEY ({(int)status}).");
        if (status >= HttpStatusCode.InternalServerError)
            throw new ProviderSilentException($"Stripe failed ({(int)status}) and may have done its part.");
    }

    private static ProviderRefusedException Refused(JsonElement error) =>
        new(Text(error, "code") is { Length: > 0 } code ? code : Text(error, "type"));

    private static ProviderCharge ReadObject(JsonElement json)
    {
        var state = Text(json, "status") switch
        {
            "requires_action" or "requires_confirmation" or "processing" => ChargeState.NeedsAction,
            "requires_capture" => ChargeState.Authorized,
            "succeeded" => ChargeState.Captured,
            "canceled" => ChargeState.Cancelled,
            _ => ChargeState.Declined,
        };
        var card = Find(json, "latest_charge", "payment_method_details", "card");
        return new ProviderCharge(
            state,
            Text(json, "id"),
            CardBrand: card is { } brand ? Text(brand, "brand") : "",
            CardLast4: card is { } last4 ? Text(last4, "last4") : "",
            DeclineCode: Find(json, "last_payment_error") is { } error ? Text(error, "code") : "",
            ActionUrl: Find(json, "next_action", "redirect_to_url") is { } action ? Text(action, "url") : ""
        );
    }

    private static JsonElement? Find(JsonElement json, params ReadOnlySpan<string> path)
    {
        var found = json;
        foreach (var name in path)
        {
            if (found.ValueKind != JsonValueKind.Object || !found.TryGetProperty(name, out found))
                return null;
        }

        return found.ValueKind == JsonValueKind.Object ? found : null;
    }

    private static string Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object
        && json.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString() ?? ""
            : "";
}
