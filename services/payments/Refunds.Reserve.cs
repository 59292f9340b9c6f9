using Souk.Payments.V1;

namespace Souk.Payments;

internal sealed partial class Refunds
{
    /// <summary>The refund of this request id, with its amount counted against the payment while it is
    /// pending.</summary>
    private async Task<Refund> ReserveRefundAsync(
        DbTransaction tx,
        Guid paymentId,
        Guid requestId,
        Money? amount,
        string reason
    )
    {
        // The row lock puts parallel refunds of one payment in line.
        var payment =
            await tx.OneAsync(RefundPaymentLockSql, [paymentId], PaymentRow.Read, tx.CancellationToken)
            ?? throw new InvalidOperationException($"Payment {paymentId} is gone.");
        var known = await tx.OneAsync(
            RefundPaymentKnownSql,
            [paymentId, requestId],
            row => new KnownRefund(
                new Refund(
                    row.GetGuid(0),
                    new Money(row.GetInt64(1), payment.Amount.Currency),
                    row.GetString(2),
                    row.GetInt32(3)
                ),
                row.GetString(4),
                row.Instant(5)
            ),
            tx.CancellationToken
        );
        if (known is null)
            return Reserve(
                tx,
                payment,
                new Refund(Ids.New(clock), Wanted(payment, amount), "pending", 1),
                RefundPaymentSql,
                [requestId, reason]
            );
        if (amount is { } asked && asked != known.Refund.Amount)
            throw Fault.Aborted(
                Type.Reason.IdempotencyMismatch,
                "The Idempotency-Key was used before with another amount."
            );
        if (known.Refund.Status != "failed")
            return known.Refund;
        if (clock.GetUtcNow() - known.UpdatedAt < RefusalHolds)
            throw Refused(known.Refusal);
        var again = known.Refund with
        {
            Amount = Wanted(payment, amount),
            Status = "pending",
            Attempt = known.Refund.Attempt + 1,
        };
        return Reserve(tx, payment, again, RefundPaymentAgainSql, [again.Attempt]);
    }

    private Refund Reserve(DbTransaction tx, PaymentRow payment, Refund refund, string sql, object[] more)
    {
        var now = clock.GetUtcNow();
        tx.Defer(sql, [refund.Id, payment.Id, refund.Amount.Minor, now, .. more]);
        tx.Defer(RefundPaymentReserveSql, [payment.Id, refund.Amount.Minor, now]);
        return refund;
    }

    private static Money Wanted(PaymentRow payment, Money? amount)
    {
        if (payment.Captured.IsZero)
            throw PaymentsService.BadState(payment, "refunded");
        var left = payment.Captured - payment.Refunded;
        var wanted = amount ?? left;
        if (wanted > left || left.IsZero)
            throw Fault.FailedPrecondition(
                Reason.OverRefund,
                $"Only {left} of the payment is left.",
                ("left", left.ToDecimalText())
            );
        return wanted;
    }

    private const string RefundPaymentLockSql = $"""
        select {PaymentRow.Columns} from payments where id = $1 for update
        """;

    private const string RefundPaymentKnownSql = """
        select id, amount_minor, status, attempts, refusal, updated_at
          from refunds
         where payment_id = $1 and request_id = $2
        """;

    private const string RefundPaymentSql = """
        insert into refunds (id, payment_id, amount_minor, created_at, updated_at, request_id, reason, status)
        values ($1, $2, $3, $4, $4, $5, $6, 'pending')
        """;

    private const string RefundPaymentAgainSql = """
        update refunds set status = 'pending', amount_minor = $3, attempts = $5, updated_at = $4
         where id = $1 and payment_id = $2
        """;

    private const string RefundPaymentReserveSql = """
        update payments set refunded_minor = refunded_minor + $2, updated_at = $3 where id = $1
        """;

    private sealed record KnownRefund(Refund Refund, string Refusal, DateTimeOffset UpdatedAt);
}
