using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>
/// Money on its way back. A refund is reserved against its payment first and sent after, under its own key;
/// one that was cut off in between is sent again by its repeat or by the resolver.
/// </summary>
internal sealed class Refunds(Db db, ProviderCalls calls, TimeProvider clock)
{
    private const int BatchMax = 50;

    /// <summary>Gives back all that is left of a captured payment, once.</summary>
    public Task<PaymentRow> RefundRestAsync(
        PaymentRow payment,
        string reason,
        CancellationToken cancellationToken
    ) => RefundAsync(payment, payment.CheckoutId, amount: null, reason, cancellationToken);

    /// <summary>Gives back an amount, or all that is left; the same request id refunds once.</summary>
    public async Task<PaymentRow> RefundAsync(
        PaymentRow payment,
        Guid requestId,
        Money? amount,
        string reason,
        CancellationToken cancellationToken
    )
    {
        var refund = await db.InTransactionAsync(
            tx => ReserveRefundAsync(tx, payment.Id, requestId, amount, reason),
            cancellationToken
        );
        if (refund.Status == "pending")
            await SendAsync(payment, refund, cancellationToken);
        return await RowAsync(payment.Id, cancellationToken);
    }

    /// <summary>Sends refunds that have been on their way since before the instant; how many there
    /// were.</summary>
    public async Task<int> SendPendingAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var pending = await db.ListAsync(
            PendingRefundsSql,
            [before, clock.GetUtcNow(), BatchMax],
            row => (Id: row.GetGuid(0), Minor: row.GetInt64(1), PaymentId: row.GetGuid(2)),
            cancellationToken
        );
        foreach (var (id, minor, paymentId) in pending)
        {
            var payment = await RowAsync(paymentId, cancellationToken);
            var refund = new Refund(id, new Money(minor, payment.Amount.Currency), "pending");
            await SendAsync(payment, refund, cancellationToken);
        }

        return pending.Count;
    }

    // Touched before it is sent, so that one which fails again waits its turn behind the others.
    private const string PendingRefundsSql = """
        update refunds set updated_at = $2
         where id in (
           select id from refunds where status = 'pending' and updated_at < $1 order by updated_at limit $3
              for update skip locked
         )
        returning id, amount_minor, payment_id
        """;

    private async Task SendAsync(PaymentRow payment, Refund refund, CancellationToken cancellationToken)
    {
        // Cash comes back by hand; a card through its provider, by the refund's own key.
        if (payment.Method == "card")
            await calls.RefundAsync(payment, refund.Amount, refund.Id.ToString(), cancellationToken);
        await db.ExecuteAsync(
            RefundPaymentSettleSql,
            [refund.Id, clock.GetUtcNow(), payment.Id],
            CancellationToken.None
        );
    }

    private async Task<PaymentRow> RowAsync(Guid paymentId, CancellationToken cancellationToken) =>
        await db.OneAsync(RefundPaymentRowSql, [paymentId], PaymentRow.Read, cancellationToken)
        ?? throw new InvalidOperationException($"Payment {paymentId} is gone.");

    private const string RefundPaymentRowSql = $"select {PaymentRow.Columns} from payments where id = $1";

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
            row => new Refund(
                row.GetGuid(0),
                new Money(row.GetInt64(1), payment.Amount.Currency),
                row.GetString(2)
            ),
            tx.CancellationToken
        );
        if (known is not null)
            return amount is null || amount == known.Amount
                ? known
                : throw Fault.Aborted(
                    Type.Reason.IdempotencyMismatch,
                    "The Idempotency-Key was used before with another amount."
                );

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
        var refund = new Refund(Ids.New(clock), wanted, "pending");
        tx.Defer(
            RefundPaymentSql,
            [refund.Id, paymentId, requestId, wanted.Minor, reason, clock.GetUtcNow()]
        );
        tx.Defer(RefundPaymentReserveSql, [paymentId, wanted.Minor, clock.GetUtcNow()]);
        return refund;
    }

    private const string RefundPaymentLockSql = $"""
        select {PaymentRow.Columns} from payments where id = $1 for update
        """;

    private const string RefundPaymentKnownSql = """
        select id, amount_minor, status from refunds where payment_id = $1 and request_id = $2
        """;

    private const string RefundPaymentSql = """
        insert into refunds (id, payment_id, request_id, amount_minor, status, reason, created_at, updated_at)
        values ($1, $2, $3, $4, 'pending', $5, $6, $6)
        """;

    private const string RefundPaymentReserveSql = """
        update payments set refunded_minor = refunded_minor + $2, updated_at = $3 where id = $1
        """;

    // A payment is refunded once all of it has gone back, which is when no refund is still on its way.
    private const string RefundPaymentSettleSql = """
        with settled as (
          update refunds set status = 'completed', updated_at = $2 where id = $1 and status = 'pending'
          returning id
        )
        update payments p set status = 'refunded', updated_at = $2
         where p.id = $3 and p.status = 'completed' and p.refunded_minor = p.captured_minor
           and not exists (
             select 1 from refunds r
              where r.payment_id = p.id and r.status = 'pending' and r.id not in (select id from settled)
           )
        """;

    private sealed record Refund(Guid Id, Money Amount, string Status);
}
