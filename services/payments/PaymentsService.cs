using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>Payments and refunds. The RPCs are in the partial files, by topic.</summary>
internal sealed partial class PaymentsService(
    Db db,
    PaymentBook book,
    ProviderCalls calls,
    Refunds refunds,
    PageTokens pages,
    PaymentsSettings settings
) : V1.PaymentsService.PaymentsServiceBase
{
    private static Guid CheckoutId(string text) =>
        Guid.TryParse(text, out var id) ? id : throw Fault.InvalidArgument("checkout_id", "must be a UUID");

    // Checked before anything is kept or sent on, in every text that people type (PAY-12).
    private static void RefuseCardNumber(string text, string field)
    {
        if (CardNumbers.Appears(text))
            throw Fault.InvalidArgument(
                Reason.CardNumberRefused,
                field,
                "has a card number in it; only a provider's tokens are taken"
            );
    }

    internal static Exception BadState(PaymentRow payment, string wish) =>
        Fault.FailedPrecondition(
            Reason.BadState,
            $"A payment that is {PaymentRow.Name(payment.Status)} cannot be {wish}.",
            ("status", PaymentRow.Name(payment.Status))
        );
}
