using System.Globalization;
using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// What a worker's answer to a turn means. A pure decision: the run is read, nothing is changed; the engine
/// makes the outcome durable and carries it out.
/// </summary>
internal sealed class TurnOutcome
{
    private readonly Run _run;
    private readonly DateTimeOffset _now;
    private readonly string _executionId;
    private int _endId;

    private TurnOutcome(Run run, DateTimeOffset now)
    {
        _run = run;
        _now = now;
        _executionId = run.ExecutionId;
    }

    /// <summary>The history events that the answer's actions become.</summary>
    public List<HistoryEvent> Events { get; } = [];

    /// <summary>What other instances receive; an ExecutionStarted starts a child.</summary>
    public List<Message> Messages { get; } = [];

    /// <summary>How the run ended, if it did.</summary>
    public ExecutionCompletedEvent? End { get; private set; }

    /// <summary>The completion action of a continue-as-new.</summary>
    public CompleteWorkflowAction? Restart { get; private set; }

    /// <summary>True when the worker cannot run this version of the workflow.</summary>
    public bool VersionMissing { get; private set; }

    public static TurnOutcome Of(Run run, Turn turn, WorkflowResponse answer, DateTimeOffset now)
    {
        var outcome = new TurnOutcome(run, now);
        foreach (var action in answer.Actions)
        {
            outcome.Take(action);
        }
        // A terminate that the worker did not honour is enforced: none of the turn's other decisions count.
        var terminate = run.Inbox.Take(turn.Consumed).FirstOrDefault(e => e.ExecutionTerminated is not null);
        if (terminate is not null && outcome.End is null)
        {
            return Terminated(run, terminate.ExecutionTerminated, now);
        }
        if (outcome.End is { WorkflowStatus: OrchestrationStatus.Terminated, Result: null } end)
        {
            end.Result = terminate?.ExecutionTerminated.Input;
        }
        outcome.AddEnd();
        return outcome;
    }

    public static TurnOutcome Terminated(Run run, ExecutionTerminatedEvent terminate, DateTimeOffset now)
    {
        var outcome = new TurnOutcome(run, now);
        outcome.End = new() { WorkflowStatus = OrchestrationStatus.Terminated, Result = terminate.Input };
        outcome._endId = -1;
        outcome.AddEnd();
        return outcome;
    }

    /// <summary>The inbox of the next run: its start, what was carried over, what arrived
    /// meanwhile.</summary>
    public List<HistoryEvent> NextInbox(Turn turn)
    {
        var restart = Restart ?? throw new InvalidOperationException("the turn does not continue as new");
        var started = _run.Started.Clone();
        started.Input = restart.Result;
        started.Version = restart.NewVersion ?? started.Version;
        started.WorkflowInstance.ExecutionId = NewExecutionId(_now);
        started.ScheduledStartTimestamp = null;
        // Answers to the old run's tasks and timers are dropped: the new run uses the same ids for others.
        var arrived = _run.Inbox.Skip(turn.Consumed).Where(IsForAnyRun).ToList();
        // A suspension holds across runs, though the event that brought it belongs to the old one.
        var isNewlySuspended = arrived.Exists(e => e.ExecutionSuspended is not null);
        HistoryEvent[] suspension =
            _run.Suspended && !isNewlySuspended ? [HistoryEvents.Suspended(null, _now)] : [];
        return [HistoryEvents.Started(started, _now), .. suspension, .. restart.CarryoverEvents, .. arrived];
    }

    public static string NewExecutionId(DateTimeOffset now) => Guid.CreateVersion7(now).ToString();

    private static bool IsForAnyRun(HistoryEvent e) =>
        e.EventTypeCase
            is HistoryEvent.EventTypeOneofCase.EventRaised
                or HistoryEvent.EventTypeOneofCase.ExecutionSuspended
                or HistoryEvent.EventTypeOneofCase.ExecutionResumed
                or HistoryEvent.EventTypeOneofCase.ExecutionTerminated;

    private void Take(WorkflowAction action)
    {
        switch (action.WorkflowActionTypeCase)
        {
            case WorkflowAction.WorkflowActionTypeOneofCase.ScheduleTask:
                ScheduleTask(action.Id, action.ScheduleTask, action.ScheduleTask.Router ?? action.Router);
                break;
            case WorkflowAction.WorkflowActionTypeOneofCase.CreateTimer:
                CreateTimer(action.Id, action.CreateTimer);
                break;
            case WorkflowAction.WorkflowActionTypeOneofCase.CreateChildWorkflow:
                CreateChild(
                    action.Id,
                    action.CreateChildWorkflow,
                    action.CreateChildWorkflow.Router ?? action.Router
                );
                break;
            case WorkflowAction.WorkflowActionTypeOneofCase.SendEvent:
                SendEvent(action.Id, action.SendEvent, action.Router);
                break;
            case WorkflowAction.WorkflowActionTypeOneofCase.TerminateWorkflow:
                var terminate = action.TerminateWorkflow;
                Send(
                    action.Router,
                    terminate.InstanceId,
                    HistoryEvents.Terminated(terminate.Reason, terminate.Recurse, _now)
                );
                break;
            case WorkflowAction.WorkflowActionTypeOneofCase.CompleteWorkflow:
                Complete(action.Id, action.CompleteWorkflow);
                break;
            case WorkflowAction.WorkflowActionTypeOneofCase.WorkflowVersionNotAvailable:
                VersionMissing = true;
                break;
        }
    }

    private void ScheduleTask(int id, ScheduleTaskAction task, TaskRouter? router) =>
        Add(
            id,
            new HistoryEvent
            {
                TaskScheduled = new()
                {
                    Name = task.Name,
                    Version = task.Version,
                    Input = task.Input,
                    ParentTraceContext = _run.Started.ParentTraceContext,
                    TaskExecutionId =
                        task.TaskExecutionId.Length > 0
                            ? task.TaskExecutionId
                            : string.Create(CultureInfo.InvariantCulture, $"{_executionId}:{id}"),
                },
                Router = router,
            }
        );

    private void CreateTimer(int id, CreateTimerAction timer)
    {
        var created = new TimerCreatedEvent
        {
            FireAt = timer.FireAt ?? new Google.Protobuf.WellKnownTypes.Timestamp(),
        };
        if (timer.HasName)
        {
            created.Name = timer.Name;
        }
        switch (timer.OriginCase)
        {
            case CreateTimerAction.OriginOneofCase.CreateTimer:
                created.CreateTimer = timer.CreateTimer;
                break;
            case CreateTimerAction.OriginOneofCase.ExternalEvent:
                created.ExternalEvent = timer.ExternalEvent;
                break;
            case CreateTimerAction.OriginOneofCase.ActivityRetry:
                created.ActivityRetry = timer.ActivityRetry;
                break;
            case CreateTimerAction.OriginOneofCase.ChildWorkflowRetry:
                created.ChildWorkflowRetry = timer.ChildWorkflowRetry;
                break;
        }
        Add(id, new HistoryEvent { TimerCreated = created });
    }

    private void CreateChild(int id, CreateChildWorkflowAction child, TaskRouter? router)
    {
        var childId =
            child.InstanceId.Length > 0
                ? child.InstanceId
                : string.Create(CultureInfo.InvariantCulture, $"{_run.Key.InstanceId}:{id:x4}");
        var created = new HistoryEvent
        {
            ChildWorkflowInstanceCreated = new()
            {
                InstanceId = childId,
                Name = child.Name,
                Version = child.Version,
                Input = child.Input,
                ParentTraceContext = _run.Started.ParentTraceContext,
            },
            Router = router,
        };
        Add(id, created);
        Messages.Add(StartOfChild(_run, created, _now));
    }

    /// <summary>What the parent's event sets in motion: the start of the child, on its way to the child's
    /// app.</summary>
    public static Message StartOfChild(Run parent, HistoryEvent created, DateTimeOffset now)
    {
        var child = created.ChildWorkflowInstanceCreated;
        var started = new ExecutionStartedEvent
        {
            Name = child.Name,
            Version = child.Version,
            Input = child.Input,
            WorkflowInstance = new() { InstanceId = child.InstanceId, ExecutionId = NewExecutionId(now) },
            ParentInstance = new()
            {
                TaskScheduledId = created.EventId,
                Name = parent.Started.Name,
                Version = parent.Started.Version,
                WorkflowInstance = new()
                {
                    InstanceId = parent.Key.InstanceId,
                    ExecutionId = parent.ExecutionId,
                },
                AppID = parent.Key.AppId,
            },
            ParentTraceContext = child.ParentTraceContext,
        };
        return new Message(
            KeyOf(created.Router, parent, child.InstanceId),
            HistoryEvents.Started(started, now)
        );
    }

    private void SendEvent(int id, SendEventAction send, TaskRouter? router)
    {
        var target = send.Instance?.InstanceId ?? "";
        Add(
            id,
            new HistoryEvent
            {
                EventSent = new()
                {
                    InstanceId = target,
                    Name = send.Name,
                    Input = send.Data,
                },
            }
        );
        Send(router, target, HistoryEvents.Raised(send.Name, send.Data, _now));
    }

    private void Complete(int id, CompleteWorkflowAction complete)
    {
        if (End is not null || Restart is not null)
        {
            return;
        }
        if (complete.WorkflowStatus == OrchestrationStatus.ContinuedAsNew)
        {
            Restart = complete;
            return;
        }
        var status = StatusNames.IsTerminal(complete.WorkflowStatus)
            ? complete.WorkflowStatus
            : OrchestrationStatus.Completed;
        _endId = id;
        End = new()
        {
            WorkflowStatus = status,
            Result = complete.Result,
            FailureDetails = complete.FailureDetails,
        };
    }

    // Last, wherever the worker put it: what follows the end of a history would never be read.
    private void AddEnd()
    {
        if (End is not null)
        {
            Events.Add(HistoryEvents.Completed(_endId, End, _now));
        }
    }

    private void Add(int id, HistoryEvent decided)
    {
        decided.EventId = id;
        decided.Timestamp = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(_now);
        Events.Add(decided);
    }

    private void Send(TaskRouter? router, string instanceId, HistoryEvent what) =>
        Messages.Add(new Message(KeyOf(router, _run, instanceId), what));

    private static InstanceKey KeyOf(TaskRouter? router, Run sender, string instanceId) =>
        new(
            router is { HasTargetAppID: true, TargetAppID.Length: > 0 }
                ? router.TargetAppID
                : sender.Key.AppId,
            instanceId
        );
}

/// <summary>An event on its way to another instance.</summary>
internal sealed record Message(InstanceKey To, HistoryEvent Event);
