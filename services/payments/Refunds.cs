using Grpc.Core;
using Microsoft.Extensions.Logging;
using Souk.Payments.Providers;
using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>
/// Money on its way back. A refund is reserved against its payment first and sent after, under its own key;
/// one that was cut off in between is sent again by its repeat or by the resolver. One that the provider
/// refuses gives its reservation back.
/// </summary>
internal sealed partial class Refunds(
    Db db,
    Outbox outbox,
    ProviderCalls calls,
    TimeProvider clock,
    ILogger<Refunds> logger
)
{
    private const int BatchMax = 50;

    // A repeat within it gets the refusal again and leaves the provider alone: a workflow asks every few
    // seconds.
    private static readonly TimeSpan RefusalHolds = TimeSpan.FromMinutes(5);

    /// <summary>Gives back all that is left of a captured payment, once.</summary>
    public Task<PaymentRow> RefundRestAsync(
        PaymentRow payment,
        string reason,
        CancellationToken cancellationToken
    ) => RefundAsync(payment, payment.CheckoutId, amount: null, reason, cancellationToken);

    /// <summary>Gives back an amount, or all that is left; the same request id refunds once.
    /// FAILED_PRECONDITION/REFUND_REFUSED when the provider will not.</summary>
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

    /// <summary>Sends refunds that have been on their way since before the instant. One that does not get
    /// through keeps no other waiting.</summary>
    public async Task SendPendingAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var pending = await db.ListAsync(
            PendingRefundsSql,
            [before, clock.GetUtcNow(), BatchMax],
            row =>
                (
                    Id: row.GetGuid(0),
                    Minor: row.GetInt64(1),
                    PaymentId: row.GetGuid(2),
                    Attempt: row.GetInt32(3)
                ),
            cancellationToken
        );
        foreach (var (id, minor, paymentId, attempt) in pending)
        {
            var payment = await RowAsync(paymentId, cancellationToken);
            var amount = new Money(minor, payment.Amount.Currency);
            try
            {
                await SendAsync(payment, new Refund(id, amount, "pending", attempt), cancellationToken);
            }
            catch (RpcException fault)
                when (fault.StatusCode is StatusCode.Unavailable or StatusCode.FailedPrecondition)
            {
                LogHeld(logger, id, fault.Status.Detail);
            }
        }
    }

    // Touched before it is sent, so that one which fails again waits its turn behind the others.
    private const string PendingRefundsSql = """
        update refunds set updated_at = $2
         where id in (
           select id from refunds where status = 'pending' and updated_at < $1 order by updated_at limit $3
              for update skip locked
         )
        returning id, amount_minor, payment_id, attempts
        """;

    private async Task SendAsync(PaymentRow payment, Refund refund, CancellationToken cancellationToken)
    {
        // Cash comes back by hand; a card through its provider, by the refund's own key.
        if (payment.Method == "card")
        {
            try
            {
                await calls.RefundAsync(payment, refund.Amount, refund.Key, cancellationToken);
            }
            catch (ProviderRefusedException refused)
            {
                await db.ExecuteAsync(
                    RefundPaymentRefusedSql,
                    [refund.Id, clock.GetUtcNow(), refused.Code, refund.Attempt],
                    CancellationToken.None
                );
                LogRefused(logger, refund.Id, payment.Id, refused.Code);
                throw Refused(refused.Code);
            }
        }

        await db.InTransactionAsync(
            tx => SettleAsync(tx, payment.Id, refund.Id, clock.GetUtcNow()),
            CancellationToken.None
        );
    }

    private async Task SettleAsync(DbTransaction tx, Guid paymentId, Guid refundId, DateTimeOffset now)
    {
        // The lock lets refunds of one payment settle one after the other. If the last two settled at once,
        // each would see the other as still pending, and nobody would find the payment wholly refunded.
        await tx.ExecuteAsync(RefundPaymentLockSql, [paymentId], tx.CancellationToken);
        var refunded = await tx.OneAsync(
            RefundPaymentSettleSql,
            [refundId, now, paymentId],
            PaymentRow.Read,
            tx.CancellationToken
        );
        if (refunded is not null)
            PaymentEvents.Updated(outbox, tx, refunded);
    }

    private async Task<PaymentRow> RowAsync(Guid paymentId, CancellationToken cancellationToken) =>
        await db.OneAsync(RefundPaymentRowSql, [paymentId], PaymentRow.Read, cancellationToken)
        ?? throw new InvalidOperationException($"Payment {paymentId} is gone.");

    private const string RefundPaymentRowSql = $"select {PaymentRow.Columns} from payments where id = $1";

    // A payment is refunded once all of it has gone back, which is when no refund is still on its way.
    private const string RefundPaymentSettleSql = $"""
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
        returning {PaymentRow.Columns}
        """;

    private const string RefundPaymentRefusedSql = """
        with failed as (
          update refunds set status = 'failed', refusal = left($3, 100), updated_at = $2
           where id = $1 and status = 'pending' and attempts = $4
          returning payment_id, amount_minor
        )
        update payments p set refunded_minor = p.refunded_minor - failed.amount_minor, updated_at = $2
          from failed
         where p.id = failed.payment_id
        """;

    private static RpcException Refused(string code) =>
        Fault.FailedPrecondition(
            Reason.RefundRefused,
            $"The provider refuses the refund: {code}.",
            ("code", code)
        );

    /// <summary>A refund as it is sent.</summary>
    /// <param name="Attempt">How often it has been reserved: more than once after a refusal.</param>
    private sealed record Refund(Guid Id, Money Amount, string Status, int Attempt)
    {
        /// <summary>What the provider knows it by. A new attempt is a new refund to the provider.</summary>
        public string Key => Attempt == 1 ? Id.ToString() : $"{Id}-{Attempt}";
    }

    [LoggerMessage(LogLevel.Warning, "Refund {Refund} is still on its way: {Reason}")]
    private static partial void LogHeld(ILogger logger, Guid refund, string reason);

    [LoggerMessage(
        LogLevel.Error,
        "Refund {Refund} of payment {Payment} was refused by the provider: {Code}"
    )]
    private static partial void LogRefused(ILogger logger, Guid refund, Guid payment, string code);
}
