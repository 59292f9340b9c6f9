using Grpc.Core;
using Microsoft.Extensions.Logging;
using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>
/// Finds out what became of payments whose answer was lost or whose caller died, and sends refunds on their
/// way that were cut off. Looks every few seconds at first, then every five minutes, then every hour.
/// </summary>
internal sealed partial class PaymentResolver(
    Db db,
    PaymentBook book,
    ProviderCalls calls,
    Refunds refunds,
    TimeProvider clock,
    ILogger<PaymentResolver> logger
) : BackgroundJob(TimeSpan.FromSeconds(5), clock, logger)
{
    private const int BatchMax = 50;
    private static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(20);

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        var now = Clock.GetUtcNow();
        var due = await db.ListAsync(
            ResolverDueSql,
            [now, now - Abandoned, BatchMax],
            PaymentRow.Read,
            token
        );
        foreach (var payment in due)
            await ResolveAsync(payment, token);
        await refunds.SendPendingAsync(now - Abandoned, token);
        return due.Count == BatchMax;
    }

    // Takes the next look before looking: a payment that cannot be resolved must not keep others waiting.
    private const string ResolverDueSql = $"""
        update payments
           set look_ups = look_ups + 1,
               look_up_at = $1::timestamptz + case when look_ups < 12 then interval '5 seconds'
                                                   when look_ups < 24 then interval '5 minutes'
                                                   else interval '1 hour' end
         where id in (
           select id from payments
            where (look_up_at <= $1 or (look_up_at is null and status = 'processing' and updated_at < $2))
              and (lease_until is null or lease_until <= $1)
            order by updated_at
            limit $3
              for update skip locked
         )
        returning {PaymentRow.Columns}
        """;

    private async Task ResolveAsync(PaymentRow payment, CancellationToken token)
    {
        try
        {
            var found = await calls.LookUpAsync(await book.LeaseAsync(payment.Id, token), token);
            if (found.Status != payment.Status)
                LogResolved(logger, payment.Id, found.Status);
        }
        catch (RpcException fault) when (fault.StatusCode is StatusCode.Aborted or StatusCode.Unavailable)
        {
            LogUnresolved(logger, payment.Id, fault.Status.Detail);
        }
    }

    [LoggerMessage(LogLevel.Information, "Payment {Payment} was looked up: it is {Status}")]
    private static partial void LogResolved(ILogger logger, Guid payment, PaymentStatus status);

    [LoggerMessage(LogLevel.Warning, "Payment {Payment} is still not known: {Reason}")]
    private static partial void LogUnresolved(ILogger logger, Guid payment, string reason);
}
