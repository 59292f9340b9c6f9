using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// Group commit: one loop takes every commit that waits and writes them in one transaction, so the price of
/// an fsync is shared by all runs that made a step meanwhile. Order of appending is order in the log. While
/// the database is away nothing is dropped and nothing acknowledged: the same batch is written again until it
/// is durable. </summary>
internal sealed partial class LogWriter(WorkflowStore store, TimeProvider clock, ILogger logger)
    : IAsyncDisposable
{
    private const int BatchRecordsMax = 4_000;
    private const int BatchBytesMax = 8 << 20;
    private static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(2);

    private readonly Channel<Commit> _queue = Channel.CreateUnbounded<Commit>(new() { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private NpgsqlConnection? _connection;
    private Task _loop = Task.CompletedTask;
    private int _backlog;

    /// <summary>Commits that are not durable yet.</summary>
    public int Backlog => Volatile.Read(ref _backlog);

    /// <summary>Starts writing. The callback gets each durable batch and the apps that are still
    /// owned.</summary>
    public void Start(Action<IReadOnlyList<Commit>, HashSet<string>> settled) =>
        _loop = Task.Run(() => RunAsync(settled, _stop.Token));

    /// <summary>Adds a commit to the log. Called under the engine's lock, which fixes the order.</summary>
    public void Append(Commit commit)
    {
        Interlocked.Increment(ref _backlog);
        if (!_queue.Writer.TryWrite(commit))
        {
            Interlocked.Decrement(ref _backlog);
            commit.Abandon(WorkflowFault.Stopping());
        }
    }

    /// <summary>Writes what is queued, then stops; what cannot be written in the given time is
    /// abandoned.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        _queue.Writer.TryComplete();
        await Task.WhenAny(_loop, Task.Delay(patience, clock));
        await DisposeAsync();
    }

    /// <summary>Stops at once, as a crash would: what is not written yet is lost, and nobody was told
    /// otherwise.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        await DropConnectionAsync();
        AbandonQueued();
    }

    private void AbandonQueued()
    {
        while (_queue.Reader.TryRead(out var commit))
        {
            commit.Abandon(WorkflowFault.Stopping());
        }
    }

    private async Task RunAsync(
        Action<IReadOnlyList<Commit>, HashSet<string>> settled,
        CancellationToken cancellation
    )
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(cancellation))
            {
                var batch = TakeBatch();
                try
                {
                    var owned = await WriteUntilDurableAsync(batch, cancellation);
                    Interlocked.Add(ref _backlog, -batch.Commits.Count);
                    settled(batch.Commits, owned);
                }
                catch
                {
                    batch.Commits.ForEach(c => c.Abandon(WorkflowFault.Stopping()));
                    throw;
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            LogStopped(logger, Backlog);
        }
        catch (Exception e)
        {
            // A defect: memory no longer agrees with the log. Only a restart, which reads the log, can mend
            // it.
            LogBroken(logger, e);
            _queue.Writer.TryComplete();
            AbandonQueued();
            throw;
        }
    }

    private LogBatch TakeBatch()
    {
        var batch = new LogBatch();
        while (
            batch.Count < BatchRecordsMax
            && batch.Size < BatchBytesMax
            && _queue.Reader.TryRead(out var commit)
        )
        {
            batch.Add(commit);
        }
        return batch;
    }

    private async Task<HashSet<string>> WriteUntilDurableAsync(LogBatch batch, CancellationToken cancellation)
    {
        for (var delay = RetryFirst; ; delay = delay * 2 < RetryMax ? delay * 2 : RetryMax)
        {
            try
            {
                _connection ??= await store.OpenAsync(cancellation);
                return await batch.WriteAsync(_connection, cancellation);
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                LogRetry(logger, batch.Commits.Count, e.Message);
                await DropConnectionAsync();
                await Task.Delay(delay, clock, cancellation);
            }
        }
    }

    private async Task DropConnectionAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }

    [LoggerMessage(
        LogLevel.Warning,
        "Workflow log: {Commits} commits not written yet, trying again: {Reason}"
    )]
    private static partial void LogRetry(ILogger logger, int commits, string reason);

    [LoggerMessage(LogLevel.Critical, "Workflow log is broken; restart the runtime")]
    private static partial void LogBroken(ILogger logger, Exception defect);

    [LoggerMessage(LogLevel.Information, "Workflow log stopped with {Commits} commits not written")]
    private static partial void LogStopped(ILogger logger, int commits);
}
