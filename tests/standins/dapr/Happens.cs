using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Tests.Standins;

/// <summary>History events as the engine writes them.</summary>
internal static class Happens
{
    public static HistoryEvent TurnStarted(DateTime now) =>
        new()
        {
            EventId = -1,
            Timestamp = Timestamp.FromDateTime(now),
            WorkflowStarted = new WorkflowStartedEvent(),
        };

    public static HistoryEvent Started(string name, string? input) =>
        New(e => e.ExecutionStarted = new ExecutionStartedEvent { Name = name, Input = input });

    public static HistoryEvent Completed(int id, string? result = null) =>
        New(e => e.TaskCompleted = new TaskCompletedEvent { TaskScheduledId = id, Result = result });

    public static HistoryEvent Failed(int id, string type = "System.Exception", bool nonRetriable = false) =>
        New(e =>
            e.TaskFailed = new TaskFailedEvent
            {
                TaskScheduledId = id,
                FailureDetails = Failure(type, nonRetriable),
            }
        );

    public static HistoryEvent ChildCompleted(int id, string? result) =>
        New(e =>
            e.ChildWorkflowInstanceCompleted = new ChildWorkflowInstanceCompletedEvent
            {
                TaskScheduledId = id,
                Result = result,
            }
        );

    public static HistoryEvent ChildFailed(int id) =>
        New(e =>
            e.ChildWorkflowInstanceFailed = new ChildWorkflowInstanceFailedEvent
            {
                TaskScheduledId = id,
                FailureDetails = Failure("System.Exception", nonRetriable: false),
            }
        );

    public static HistoryEvent Fired(int id) => New(e => e.TimerFired = new TimerFiredEvent { TimerId = id });

    public static HistoryEvent Raised(string name, string? input = null) =>
        New(e => e.EventRaised = new EventRaisedEvent { Name = name, Input = input });

    public static HistoryEvent Terminated(string? output) =>
        New(e => e.ExecutionTerminated = new ExecutionTerminatedEvent { Input = output });

    public static HistoryEvent Suspended() => New(e => e.ExecutionSuspended = new ExecutionSuspendedEvent());

    public static HistoryEvent Resumed() => New(e => e.ExecutionResumed = new ExecutionResumedEvent());

    /// <summary>What the engine remembers of an action; null for what leaves no event of its own.</summary>
    public static HistoryEvent? Taken(WorkflowAction action)
    {
        var taken = action.WorkflowActionTypeCase switch
        {
            WorkflowAction.WorkflowActionTypeOneofCase.ScheduleTask => New(e =>
                e.TaskScheduled = new TaskScheduledEvent { Name = action.ScheduleTask.Name }
            ),
            WorkflowAction.WorkflowActionTypeOneofCase.CreateTimer => New(e =>
                e.TimerCreated = new TimerCreatedEvent { FireAt = action.CreateTimer.FireAt }
            ),
            WorkflowAction.WorkflowActionTypeOneofCase.CreateChildWorkflow => New(e =>
                e.ChildWorkflowInstanceCreated = new ChildWorkflowInstanceCreatedEvent
                {
                    Name = action.CreateChildWorkflow.Name,
                }
            ),
            WorkflowAction.WorkflowActionTypeOneofCase.SendEvent => New(e =>
                e.EventSent = new EventSentEvent { Name = action.SendEvent.Name }
            ),
            _ => null,
        };
        if (taken is not null)
            taken.EventId = action.Id;
        return taken;
    }

    private static TaskFailureDetails Failure(string type, bool nonRetriable) =>
        new()
        {
            ErrorType = type,
            ErrorMessage = "no luck",
            IsNonRetriable = nonRetriable,
        };

    private static HistoryEvent New(Action<HistoryEvent> fill)
    {
        var happened = new HistoryEvent { EventId = -1 };
        fill(happened);
        return happened;
    }
}
