using Google.Protobuf.WellKnownTypes;
using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>What payments publishes.</summary>
internal static class PaymentEvents
{
    /// <summary>Money was taken.</summary>
    public static void Completed(Outbox outbox, DbTransaction tx, PaymentRow payment, DateTimeOffset now) =>
        outbox.Add(
            tx,
            "payment.completed",
            new PaymentCompleted
            {
                PaymentId = Ids.Text(PaymentRow.Prefix, payment.Id),
                OrderId = payment.OrderId,
                UserId = payment.UserId,
                Amount = payment.Amount.ToProto(),
                CardBrand = payment.CardBrand,
                CardLast4 = payment.CardLast4,
                CompletedAt = Timestamp.FromDateTimeOffset(now),
            }
        );

    /// <summary>A payment that was waiting moved on, or all that was taken has been given back.</summary>
    public static void Updated(Outbox outbox, DbTransaction tx, PaymentRow payment) =>
        outbox.Add(
            tx,
            "payment.updated",
            new PaymentUpdated
            {
                PaymentId = Ids.Text(PaymentRow.Prefix, payment.Id),
                CheckoutId = payment.CheckoutId.ToString(),
                OrderId = payment.OrderId,
                Status = payment.Status,
            }
        );
}
