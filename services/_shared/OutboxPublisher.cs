using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Souk.Shared;

/// <summary>An event on its way to the broker.</summary>
public sealed record OutboxEvent(Guid Id, string Topic, string Type, string Data, string? TraceParent);

/// <summary>The broker as the publisher sees it.</summary>
public interface IEventBus
{
    /// <summary>Publishes events of one topic; returns once the broker has them all.</summary>
    Task PublishAsync(string topic, IReadOnlyList<OutboxEvent> events, CancellationToken token);
}

/// <summary>
/// Empties the outbox: takes a batch in order, publishes it topic by topic, deletes what the broker took.
/// Replicas take different rows (skip locked). A topic that the broker refuses rests, doubling its pause,
/// while the others go on.
/// </summary>
public sealed partial class OutboxPublisher(
    Db db,
    Outbox outbox,
    IEventBus bus,
    TimeProvider clock,
    ILogger<OutboxPublisher> logger
) : BackgroundService
{
    private const int BatchMax = 500;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PublishTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, (DateTimeOffset Until, TimeSpan Pause)> _resting = [];

    /// <summary>Publishes one batch.</summary>
    /// <returns>How many events the broker took.</returns>
    public Task<int> PublishBatchAsync(CancellationToken token)
    {
        var now = clock.GetUtcNow();
        var resting = _resting.Where(topic => topic.Value.Until > now).Select(topic => topic.Key).ToArray();
        return db.InTransactionAsync(
            async tx =>
            {
                var rows = await tx.ListAsync(TakeSql, [resting, BatchMax], ReadRow, token);
                var published = new List<long>(rows.Count);
                foreach (var topic in rows.GroupBy(row => row.Event.Topic))
                {
                    if (await TryPublishAsync(topic.Key, [.. topic.Select(row => row.Event)], token))
                        published.AddRange(topic.Select(row => row.Seq));
                }
                if (published.Count > 0)
                    tx.Defer(DeleteSql, [published.ToArray()]);
                return published.Count;
            },
            token
        );
    }

    private const string TakeSql = """
        select seq, event_id, topic, type, data, trace_parent from outbox
         where not topic = any($1) order by seq limit $2 for update skip locked
        """;

    private const string DeleteSql = "delete from outbox where seq = any($1)";

    private static (long Seq, OutboxEvent Event) ReadRow(NpgsqlDataReader row) =>
        (
            row.GetInt64(0),
            new OutboxEvent(
                row.GetGuid(1),
                row.GetString(2),
                row.GetString(3),
                row.GetString(4),
                row.IsDBNull(5) ? null : row.GetString(5)
            )
        );

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await PublishBatchAsync(stoppingToken) < BatchMax)
                    await outbox.WaitAsync(PollInterval, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The database is away or the process is out of something: the rows are safe, so wait and go
                // on.
                LogFailed(logger, e);
                await Task.Delay(PollInterval, TimeProvider.System, stoppingToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<bool> TryPublishAsync(
        string topic,
        IReadOnlyList<OutboxEvent> events,
        CancellationToken token
    )
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(token);
        limited.CancelAfter(PublishTimeout);
        try
        {
            await bus.PublishAsync(topic, events, limited.Token);
            _resting.Remove(topic);
            return true;
        }
        catch (Exception e) when (!token.IsCancellationRequested)
        {
            var pause = _resting.TryGetValue(topic, out var earlier) ? earlier.Pause * 2 : PauseMin;
            pause = pause < PauseMax ? pause : PauseMax;
            _resting[topic] = (clock.GetUtcNow() + pause, pause);
            LogRefused(logger, e, topic, events.Count, pause);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Publishing {Count} events on {Topic} failed; next attempt in {Pause}")]
    private static partial void LogRefused(
        ILogger logger,
        Exception error,
        string topic,
        int count,
        TimeSpan pause
    );

    [LoggerMessage(LogLevel.Error, "The outbox cannot be read")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
