using Dapr.DurableTask.Protobuf;
using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// The durable workflow engine: the single owner of its apps' instances. Every change is an in-memory
/// transition under one lock that appends records to one log; effects (activities, acknowledgements, what
/// clients see) follow when the records are durable, work items may go out before, since their answers come
/// later in the same log. After a crash the log is the truth and everything else is derived from it.
/// </summary>
internal sealed partial class WorkflowEngine : IAsyncDisposable
{
    /// <summary>Commits that may wait for the database before new requests are refused.</summary>
    private const int BacklogMax = 50_000;

    /// <summary>Undurable commits of one run after which it gets no further turn, so that no loop outruns the
    /// disk.</summary>
    private const int RunCommitsMax = 8;

    /// <summary>Bytes of history that a turn carries; gRPC clients refuse messages of 4 MiB unless told
    /// otherwise.</summary>
    private const long HistoryBytesMax = 3 << 20;

    /// <summary>How long a worker may ignore a terminate before the run ends without it.</summary>
    private static readonly TimeSpan TerminateGrace = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, WorkflowApp> _apps = [];
    private readonly Dictionary<string, WorkQueue> _queues = [];
    private readonly HashSet<WorkQueue> _dirty = [];
    private readonly Watchers _watchers = new();
    private readonly RecentViews _recent = new();
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource? _drained;
    private readonly WorkflowStore _store;
    private readonly LogWriter _log;
    private readonly TimerQueue _timers;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;

    public WorkflowEngine(string connectionString, TimeProvider clock, ILogger logger)
    {
        _clock = clock;
        _logger = logger;
        _store = new WorkflowStore(connectionString);
        _log = new LogWriter(_store, clock, logger);
        _timers = new TimerQueue(clock, IsLive, OnDue);
        _log.Start(OnDurable);
    }

    /// <summary>How many workers of the app are connected, as the metadata shows.</summary>
    public int ConnectedWorkers(string appId)
    {
        lock (_gate)
        {
            return _queues.TryGetValue(appId, out var queue) ? queue.Workers : 0;
        }
    }

    /// <summary>Active instances and work items that wait for a worker, by app.</summary>
    public IReadOnlyList<(string AppId, int Active, int Waiting)> Backlog()
    {
        lock (_gate)
        {
            return [.. _apps.Values.Select(a => (a.AppId, a.Runs.Count, QueueOf(a.AppId).Backlog))];
        }
    }

    /// <summary>Gives out no more work, and returns when the workers have answered what they have in
    /// hand.</summary>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            foreach (var queue in _queues.Values)
            {
                queue.IsPaused = true;
            }
            NoteIfDrained();
            return _drained.Task;
        }
    }

    /// <summary>Ends the streams of workers, and the calls of those who wait for an instance.</summary>
    public void HangUp()
    {
        lock (_gate)
        {
            foreach (var queue in _queues.Values)
            {
                queue.CloseAll(WorkflowFault.Stopping());
            }
            _watchers.FailAll(_ => true, WorkflowFault.Stopping());
        }
    }

    /// <summary>Ends the streams, writes what is decided, and stops.</summary>
    public async Task StopAsync()
    {
        await CloseAsync();
        await _log.StopAsync(StopPatience);
        await _store.DisposeAsync();
    }

    /// <summary>Stops without writing what is not written yet, as a crash would; nothing acknowledged is
    /// lost.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _log.DisposeAsync();
        await _store.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task CloseAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }
        await _stopping.CancelAsync();
        _timers.Dispose();
        HangUp();
    }

    private DateTimeOffset Now => _clock.GetUtcNow();

    private WorkQueue QueueOf(string appId)
    {
        if (!_queues.TryGetValue(appId, out var queue))
        {
            _queues[appId] = queue = new WorkQueue(appId, OpenTurn, IsWanted)
            {
                IsPaused = _drained is not null,
            };
        }
        return queue;
    }

    private Run? FindActive(InstanceKey key) =>
        _apps.TryGetValue(key.AppId, out var app) && app.IsOpen ? app.FindActive(key.InstanceId) : null;

    private WorkflowApp OwnerOf(Run run) =>
        _apps.TryGetValue(run.Key.AppId, out var app) ? app : throw WorkflowFault.MovedAway(run.Key.AppId);

    /// <summary>Adds a record to the commit and applies it to the run: memory is ahead of the log, never
    /// beside it.</summary>
    private static void Record(Commit commit, Run run, LogRecord record)
    {
        if (!commit.Runs.Contains(run))
        {
            commit.Runs.Add(run);
            run.CommitsInFlight++;
            run.LastCommit = commit;
        }
        run.Apply(record);
        var listed = record.Kind == RecordKind.Created || run.Ended is not null;
        commit.Records.Add(listed ? record with { Entry = run.Entry() } : record);
    }

    private LogRecord NewRecord(Run run, RecordKind kind, IReadOnlyList<HistoryEvent> events) =>
        new(run.Key, OwnerOf(run).NextSequence(), kind, events);

    /// <summary>Puts an event into a run's inbox.</summary>
    private void Deliver(Commit commit, Run run, HistoryEvent received)
    {
        Record(commit, run, NewRecord(run, RecordKind.Received, [received]));
        QueueTurn(run);
    }

    /// <summary>Hands the commit to the log, and the work that became ready to the workers.</summary>
    private Task Submit(Commit commit)
    {
        foreach (var run in commit.Runs)
        {
            var view = run.View();
            commit.WhenDurable(() => Publish(run, view));
        }
        _log.Append(commit);
        Pump();
        return commit.Durable;
    }

    private void Publish(Run run, RunView view)
    {
        run.CommitsInFlight--;
        run.Published = view;
        if (view.IsTerminal)
        {
            if (OwnerOf(run).Remove(run))
            {
                _recent.Add(view);
            }
        }
        else
        {
            QueueTurn(run);
        }
        _watchers.Notify(run.CurrentView() ?? view);
    }

    private void OnDurable(IReadOnlyList<Commit> commits, HashSet<string> owned)
    {
        var settled = new List<Commit>(commits.Count);
        lock (_gate)
        {
            foreach (var commit in commits)
            {
                if (commit.Records.Find(r => !owned.Contains(r.Key.AppId)) is { } lost)
                {
                    // Also the apps that are still ours: memory says that the whole commit happened, the log
                    // does not.
                    commit.Records.ForEach(Lose);
                    commit.Abandon(WorkflowFault.MovedAway(lost.Key.AppId));
                    continue;
                }
                if (!commit.Records.TrueForAll(IsCurrent))
                {
                    // Made under an earlier claim of this process: the log has refused it, or nobody knows.
                    commit.Abandon(WorkflowFault.MovedAway(commit.Records[0].Key.AppId));
                    continue;
                }
                commit.RunEffects();
                settled.Add(commit);
            }
            Pump();
        }
        settled.ForEach(c => c.Settle());
    }

    private bool IsCurrent(LogRecord record) =>
        _apps.TryGetValue(record.Key.AppId, out var app) && app.Owns(record.Sequence);

    private void NoteIfDrained()
    {
        if (_drained is not null && _queues.Values.All(queue => !queue.HasWorkInHand))
        {
            _drained.TrySetResult();
        }
    }

    private void Pump()
    {
        NoteIfDrained();
        if (_dirty.Count == 0)
        {
            return;
        }
        foreach (var queue in _dirty)
        {
            queue.Pump();
        }
        _dirty.Clear();
    }

    private void ThrowIfBehind()
    {
        if (_log.Backlog > BacklogMax)
        {
            throw WorkflowFault.StoreBehind();
        }
    }
}
