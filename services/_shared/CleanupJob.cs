using Microsoft.Extensions.Logging;

namespace Souk.Shared;

/// <summary>
/// Forgets request ids after 72 hours and delivered events after 7 days, a bounded number of rows at a time.
/// </summary>
public sealed class CleanupJob(Db db, TimeProvider clock, ILogger<CleanupJob> logger)
    : BackgroundJob(TimeSpan.FromMinutes(10), clock, logger)
{
    private const int RowsMax = 5000;
    private static readonly TimeSpan RequestsKept = TimeSpan.FromHours(72);
    private static readonly TimeSpan EventsKept = TimeSpan.FromDays(7);

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        var now = Clock.GetUtcNow();
        var requests = await db.ExecuteAsync(RequestsSql, [now - RequestsKept, RowsMax], token);
        var events = await db.ExecuteAsync(EventsSql, [now - EventsKept, RowsMax], token);
        return requests == RowsMax || events == RowsMax;
    }

    private const string RequestsSql = """
        delete from request_log where (caller, request_id) in
          (select caller, request_id from request_log where created_at < $1 limit $2 for update skip locked)
        """;

    private const string EventsSql = """
        delete from inbox where (consumer, event_id) in
          (select consumer, event_id from inbox where received_at < $1 limit $2 for update skip locked)
        """;
}
