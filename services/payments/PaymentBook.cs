using Npgsql;
using Souk.Payments.Providers;
using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>
/// Payments as rows. Whoever talks to the provider about a payment holds its lease; what the provider said is
/// settled together with the events that follow from it, and only by the holder. A holder that dies loses the
/// lease to time.
/// </summary>
internal sealed class PaymentBook(Db db, Outbox outbox, TimeProvider clock)
{
    /// <summary>How long a lease lasts: longer than all calls that its holder makes together.</summary>
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan FirstLookUp = TimeSpan.FromSeconds(5);

    /// <summary>The service's clock, now.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>
    /// Opens the payment of a checkout, leased to the caller; null when the checkout has one already.
    /// </summary>
    public Task<PaymentRow?> OpenAsync(
        AuthorizePaymentRequest request,
        Guid checkoutId,
        Money amount,
        string gateway,
        CancellationToken cancellationToken
    )
    {
        var now = clock.GetUtcNow();
        var isCash = request.PaymentMethod == "cod";
        return db.OneAsync(
            OpenPaymentSql,
            [
                Ids.New(clock),
                checkoutId,
                request.OrderId,
                request.UserId,
                amount.Minor,
                amount.Currency.Code,
                request.PaymentMethod,
                isCash ? "" : gateway,
                isCash ? "pending_cod" : "processing",
                request.Token,
                Nullable(isCash ? null : now + LeaseTime),
                now,
            ],
            PaymentRow.Read,
            cancellationToken
        );
    }

    private const string OpenPaymentSql = $"""
        insert into payments (id, checkout_id, order_id, user_id, amount_minor, currency, payment_method,
                              payment_gateway, status, token, lease_until, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
            on conflict (checkout_id) do nothing
        returning {PaymentRow.Columns}
        """;

    /// <summary>
    /// Notes that a checkout shall never be paid, before it had a payment: an authorisation that comes late
    /// finds it failed.
    /// </summary>
    public Task<PaymentRow?> CloseUnopenedAsync(Guid checkoutId, CancellationToken cancellationToken) =>
        db.OneAsync(
            CloseUnopenedSql,
            [Ids.New(clock), checkoutId, clock.GetUtcNow()],
            PaymentRow.Read,
            cancellationToken
        );

    private const string CloseUnopenedSql = $"""
        insert into payments (id, checkout_id, order_id, user_id, amount_minor, currency, payment_method,
                              payment_gateway, status, token, decline_code, created_at, updated_at)
        values ($1, $2, '', '', 0, 'USD', 'card', '', 'failed', '', 'cancelled', $3, $3)
            on conflict (checkout_id) do nothing
        returning {PaymentRow.Columns}
        """;

    /// <summary>The payment of a checkout, or null.</summary>
    public Task<PaymentRow?> FindAsync(Guid checkoutId, CancellationToken cancellationToken) =>
        db.OneAsync(FindPaymentSql, [checkoutId], PaymentRow.Read, cancellationToken);

    private const string FindPaymentSql = $"select {PaymentRow.Columns} from payments where checkout_id = $1";

    /// <summary>The payment with its lease; ABORTED/PAYMENT_IN_PROGRESS while somebody else has it.</summary>
    public async Task<PaymentRow> LeaseAsync(Guid id, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        return await db.OneAsync(
                LeasePaymentSql,
                [id, now, now + LeaseTime],
                PaymentRow.Read,
                cancellationToken
            ) ?? throw Fault.Aborted(Reason.PaymentInProgress, "Another call is working on this payment.");
    }

    private const string LeasePaymentSql = $"""
        update payments set lease_until = $3
         where id = $1 and (lease_until is null or lease_until <= $2)
        returning {PaymentRow.Columns}
        """;

    /// <summary>Gives a lease back without a word from the provider; a try that was not the first is
    /// counted.</summary>
    public Task ReleaseAsync(PaymentRow row, int retries, CancellationToken cancellationToken) =>
        db.ExecuteAsync(ReleasePaymentSql, [row.Id, retries, clock.GetUtcNow()], cancellationToken);

    private const string ReleasePaymentSql = """
        update payments
           set lease_until = null, retry_count = retry_count + $2,
               last_retry_at = case when $2 > 0 then $3 else last_retry_at end, updated_at = $3
         where id = $1
        """;

    /// <summary>Settles that the provider's answer was lost, and when to ask for it.</summary>
    public async Task<PaymentRow> SettleUnknownAsync(PaymentRow row, CancellationToken cancellationToken) =>
        await db.OneAsync(
            SettleUnknownSql,
            [row.Id, clock.GetUtcNow(), clock.GetUtcNow() + FirstLookUp],
            PaymentRow.Read,
            cancellationToken
        ) ?? row;

    private const string SettleUnknownSql = $"""
        update payments
           set status = case when status in ('processing', 'pending') then 'unknown' else status end,
               lease_until = null, look_up_at = $3, updated_at = $2
         where id = $1
        returning {PaymentRow.Columns}
        """;

    /// <summary>Settles what the provider said about a leased payment, with the events that follow from
    /// it.</summary>
    /// <param name="retries">Tries beyond the first that this answer took.</param>
    public Task<PaymentRow> SettleAsync(
        PaymentRow before,
        ProviderCharge charge,
        int retries,
        CancellationToken cancellationToken
    ) =>
        db.InTransactionAsync(
            async tx =>
            {
                var now = clock.GetUtcNow();
                var status = StatusAfter(before, charge);
                var after =
                    await tx.OneAsync(
                        SettlePaymentSql,
                        [
                            before.Id,
                            PaymentRow.Name(status),
                            charge.TransactionId,
                            charge.CardLast4,
                            charge.CardBrand,
                            status == PaymentStatus.Failed ? DeclineCode(charge) : "",
                            charge.ActionUrl,
                            retries,
                            now,
                            PaymentRow.Name(before.Status),
                        ],
                        PaymentRow.Read,
                        tx.CancellationToken
                    )
                    ?? throw Fault.Aborted(
                        Reason.PaymentInProgress,
                        "Another call has settled this payment."
                    );
                Publish(tx, before, after, now);
                return after;
            },
            cancellationToken
        );

    // A captured charge is captured whole; a status that moved on since it was read is not overwritten.
    private const string SettlePaymentSql = $"""
        update payments
           set status = $2::text,
               gateway_transaction_id = case when $3 = '' then gateway_transaction_id else $3 end,
               card_last4 = case when $4 = '' then card_last4 else $4 end,
               card_brand = case when $5 = '' then card_brand else $5 end,
               decline_code = $6, next_action_url = $7,
               captured_minor =
                   case when $2::text in ('completed', 'refunded') then amount_minor else captured_minor end,
               token = case when $2::text in ('completed', 'refunded', 'failed') then '' else token end,
               retry_count = retry_count + $8,
               last_retry_at = case when $8 > 0 then $9 else last_retry_at end,
               lease_until = null, look_up_at = null, look_ups = 0, updated_at = $9
         where id = $1 and status = $10
        returning {PaymentRow.Columns}
        """;

    /// <summary>Settles that cash was collected.</summary>
    public Task<PaymentRow> SettleCashAsync(PaymentRow row, CancellationToken cancellationToken) =>
        SettleAsync(row, new ProviderCharge(ChargeState.Captured, ""), retries: 0, cancellationToken);

    private void Publish(DbTransaction tx, PaymentRow before, PaymentRow after, DateTimeOffset now)
    {
        // PAY-11: the status moves to completed once, so this is one event per capture.
        if (after.Status == PaymentStatus.Completed && before.Status != PaymentStatus.Completed)
            PaymentEvents.Completed(outbox, tx, after, now);

        // Whoever waits for a payment that needed the buyer, or the provider's lost answer, hears that it
        // moved on.
        if (before.Status is PaymentStatus.Pending or PaymentStatus.Unknown && after.Status != before.Status)
            PaymentEvents.Updated(outbox, tx, after);
    }

    private static PaymentStatus StatusAfter(PaymentRow before, ProviderCharge charge) =>
        charge.State switch
        {
            ChargeState.NeedsAction => PaymentStatus.Pending,
            ChargeState.Authorized => PaymentStatus.Authorized,
            ChargeState.Captured when before.Status == PaymentStatus.Refunded => PaymentStatus.Refunded,
            ChargeState.Captured => PaymentStatus.Completed,
            ChargeState.None when before.IsOpen => PaymentStatus.Processing,
            _ => PaymentStatus.Failed,
        };

    private static string DeclineCode(ProviderCharge charge) =>
        charge.State == ChargeState.Declined && charge.DeclineCode.Length > 0 ? charge.DeclineCode
        : charge.State == ChargeState.Declined ? "card_declined"
        : "cancelled";

    private static NpgsqlParameter Nullable(DateTimeOffset? instant) =>
        new()
        {
            Value = (object?)instant ?? DBNull.Value,
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz,
        };
}
