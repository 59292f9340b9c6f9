using Microsoft.Extensions.Logging;
using Souk.Shared.Holds;

namespace Souk.Inventory;

/// <summary>
/// Puts back what abandoned checkouts held, within seconds of the end of their time; 60 are allowed.
/// </summary>
internal sealed partial class ExpiryJob(
    Db db,
    StockChanges changes,
    TimeProvider clock,
    ILogger<ExpiryJob> logger
) : BackgroundJob(Interval, clock, logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        var expired = await db.InTransactionAsync(
            async tx =>
            {
                var run = await HoldEngine.ExpireAsync(tx);
                await changes.PublishAsync(tx, run.Changes);
                return run;
            },
            token
        );
        if (expired.HoldIds.Count > 0)
            LogExpired(logger, expired.HoldIds.Count);
        return expired.HasMore;
    }

    [LoggerMessage(LogLevel.Information, "Expired {Count} holds")]
    private static partial void LogExpired(ILogger logger, int count);
}
