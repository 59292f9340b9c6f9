using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// One run of a workflow instance in memory: the fold of its log records, plus what is only true while this
/// process lives (which worker has its turn). Guarded by the engine's lock; its history events never change
/// once added. </summary>
internal sealed class Run(InstanceKey key)
{
    private ExecutionStartedEvent? _started;
    private bool _underway;
    private bool _suspended;
    private string? _customStatus;
    private Timestamp _createTime = new();
    private Timestamp _updateTime = new();

    public InstanceKey Key => key;

    /// <summary>What earlier turns decided, in order; given to the worker as past events.</summary>
    public List<HistoryEvent> History { get; private set; } = [];

    /// <summary>Size of the history's events on the wire.</summary>
    public long HistoryBytes { get; private set; }

    /// <summary>What arrived since, in order; the next turn's new events.</summary>
    public List<HistoryEvent> Inbox { get; private set; } = [];

    /// <summary>Activities without an answer, by the id of the action that scheduled them.</summary>
    public Dictionary<int, PendingTask> Tasks { get; } = [];

    /// <summary>Timers that did not fire, by action id.</summary>
    public Dictionary<int, HistoryEvent> Timers { get; } = [];

    /// <summary>Children that did not end, by action id.</summary>
    public Dictionary<int, HistoryEvent> Children { get; } = [];

    public ExecutionStartedEvent Started =>
        _started
        ?? throw new InvalidOperationException($"run {key} has no start: its log does not begin with one");

    public string ExecutionId => Started.WorkflowInstance.ExecutionId ?? "";

    public ExecutionCompletedEvent? Ended { get; private set; }

    /// <summary>True once an ExecutionTerminated arrived: the next turn is the last.</summary>
    public bool Terminating { get; private set; }

    public bool Suspended => _suspended;

    /// <summary>The turn that a worker has in hand; turns of one run never overlap.</summary>
    public Turn? Turn { get; set; }

    /// <summary>True while the run waits in its app's queue of turns.</summary>
    public bool Queued { get; set; }

    /// <summary>True once a worker took the run's first turn, which is what ends PENDING.</summary>
    public bool Taken { get; set; }

    /// <summary>True while the run's scheduled start is still to come.</summary>
    public bool WaitsForStart { get; set; }

    /// <summary>True while no connected worker can go on: they lack this version of the workflow, or their
    /// answer was too large.</summary>
    public bool Stalled { get; set; }

    /// <summary>The commit that created the run in this process; null when it was read from the
    /// log.</summary>
    public Commit? Creation { get; set; }

    /// <summary>Commits of this run that are not durable yet.</summary>
    public int CommitsInFlight { get; set; }

    /// <summary>The run's newest commit.</summary>
    public Commit? LastCommit { get; set; }

    /// <summary>What clients may see: only what is durable.</summary>
    public RunView? Published { get; set; }

    /// <summary>The time of the newest turn; the clock of a workflow never goes back.</summary>
    public DateTimeOffset LastTurnTime { get; private set; }

    public void Apply(LogRecord record)
    {
        switch (record.Kind)
        {
            case RecordKind.Created:
            case RecordKind.Restarted:
                Begin(record);
                break;
            case RecordKind.Received:
                Receive(record.Events);
                break;
            case RecordKind.Turned:
                AddTurn(record);
                break;
            default:
                throw new InvalidOperationException($"a {record.Kind} record is not part of a run");
        }
        if (record.Events.Count > 0)
        {
            // Events that a worker carried over may lack a time.
            _updateTime = record.Events[^1].Timestamp ?? _updateTime;
        }
    }

    /// <summary>The state as of the last record applied.</summary>
    public RunView View() =>
        new(key, Started)
        {
            Status = Ended?.WorkflowStatus ?? ActiveStatus(),
            Ended = Ended,
            CustomStatus = _customStatus,
            CreateTime = _createTime,
            UpdateTime = _updateTime,
        };

    /// <summary>The published state, with what needs no durability: that a worker has taken the run, or
    /// cannot.</summary>
    public RunView? CurrentView() =>
        Published switch
        {
            { Status: OrchestrationStatus.Pending or OrchestrationStatus.Running } view when Stalled =>
                view with
                {
                    Status = OrchestrationStatus.Stalled,
                },
            { Status: OrchestrationStatus.Pending } view when Taken => view with
            {
                Status = OrchestrationStatus.Running,
            },
            var view => view,
        };

    public InstanceEntry Entry() =>
        new(Started.Name, _createTime.ToDateTimeOffset())
        {
            Status = Ended?.WorkflowStatus ?? OrchestrationStatus.Running,
            FinishTime = Ended is null ? null : _updateTime.ToDateTimeOffset(),
        };

    private OrchestrationStatus ActiveStatus()
    {
        if (_suspended)
        {
            return OrchestrationStatus.Suspended;
        }
        return _underway ? OrchestrationStatus.Running : OrchestrationStatus.Pending;
    }

    private void Begin(LogRecord record)
    {
        _started = record.Events[0].ExecutionStarted;
        _createTime = record.Events[0].Timestamp;
        _underway = record.Kind == RecordKind.Restarted;
        _customStatus = null;
        _suspended = false;
        Terminating = false;
        History = [];
        HistoryBytes = 0;
        Inbox = [];
        ForgetPending();
        Receive(record.Events);
    }

    private void Receive(IReadOnlyList<HistoryEvent> events)
    {
        foreach (var received in events)
        {
            Inbox.Add(received);
            Note(received);
        }
    }

    private void AddTurn(LogRecord record)
    {
        _underway = true;
        LastTurnTime = record.Events[0].Timestamp.ToDateTimeOffset();
        AddHistory(record.Events[0]);
        Inbox.GetRange(0, record.Consumed).ForEach(AddHistory);
        Inbox.RemoveRange(0, record.Consumed);
        foreach (var decided in record.Events.Skip(1))
        {
            AddHistory(decided);
            Note(decided);
        }
        _customStatus = record.CustomStatus ?? _customStatus;
    }

    private void AddHistory(HistoryEvent happened)
    {
        History.Add(happened);
        HistoryBytes += happened.CalculateSize();
    }

    private void Note(HistoryEvent happened)
    {
        switch (happened.EventTypeCase)
        {
            case HistoryEvent.EventTypeOneofCase.TaskScheduled:
                Tasks[happened.EventId] = new PendingTask(key, ExecutionId, happened);
                break;
            case HistoryEvent.EventTypeOneofCase.TaskCompleted:
                Tasks.Remove(happened.TaskCompleted.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.TaskFailed:
                Tasks.Remove(happened.TaskFailed.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.TimerCreated:
                Timers[happened.EventId] = happened;
                break;
            case HistoryEvent.EventTypeOneofCase.TimerFired:
                Timers.Remove(happened.TimerFired.TimerId);
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceCreated:
                Children[happened.EventId] = happened;
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceCompleted:
                Children.Remove(happened.ChildWorkflowInstanceCompleted.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceFailed:
                Children.Remove(happened.ChildWorkflowInstanceFailed.TaskScheduledId);
                break;
            case HistoryEvent.EventTypeOneofCase.ExecutionSuspended:
                _suspended = true;
                break;
            case HistoryEvent.EventTypeOneofCase.ExecutionResumed:
                _suspended = false;
                break;
            case HistoryEvent.EventTypeOneofCase.ExecutionTerminated:
                Terminating = true;
                break;
            case HistoryEvent.EventTypeOneofCase.ExecutionCompleted:
                Ended = happened.ExecutionCompleted;
                ForgetPending();
                break;
        }
    }

    private void ForgetPending()
    {
        Tasks.Clear();
        Timers.Clear();
        Children.Clear();
    }
}
