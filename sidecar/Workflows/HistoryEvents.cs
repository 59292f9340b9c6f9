using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Sidecar.Workflows;

/// <summary>Makes the history events that the engine itself writes. Events that answer nothing have id
/// -1.</summary>
internal static class HistoryEvents
{
    private const int Unnumbered = -1;

    public static HistoryEvent Started(ExecutionStartedEvent started, DateTimeOffset now) =>
        At(now, new HistoryEvent { ExecutionStarted = started });

    public static HistoryEvent TurnStarted(DateTimeOffset now) =>
        At(now, new HistoryEvent { WorkflowStarted = new WorkflowStartedEvent() });

    public static HistoryEvent Completed(
        int actionId,
        ExecutionCompletedEvent completed,
        DateTimeOffset now
    ) => At(now, new HistoryEvent { EventId = actionId, ExecutionCompleted = completed });

    public static HistoryEvent Terminated(string? output, bool recurse, DateTimeOffset now) =>
        At(
            now,
            new HistoryEvent
            {
                ExecutionTerminated = new() { Input = output, Recurse = recurse },
            }
        );

    public static HistoryEvent Suspended(string? reason, DateTimeOffset now) =>
        At(now, new HistoryEvent { ExecutionSuspended = new() { Input = reason } });

    public static HistoryEvent Resumed(string? reason, DateTimeOffset now) =>
        At(now, new HistoryEvent { ExecutionResumed = new() { Input = reason } });

    public static HistoryEvent Raised(string name, string? input, DateTimeOffset now) =>
        At(
            now,
            new HistoryEvent
            {
                EventRaised = new() { Name = name, Input = input },
            }
        );

    public static HistoryEvent TimerFired(int timerId, Timestamp fireAt, DateTimeOffset now) =>
        At(
            now,
            new HistoryEvent
            {
                TimerFired = new() { TimerId = timerId, FireAt = fireAt },
            }
        );

    /// <summary>An activity's answer: its result, or its failure when it has one.</summary>
    public static HistoryEvent TaskAnswered(
        ActivityResponse answer,
        string taskExecutionId,
        DateTimeOffset now
    ) =>
        answer.FailureDetails is { } failure
            ? TaskFailed(answer.TaskId, failure, taskExecutionId, now)
            : At(
                now,
                new HistoryEvent
                {
                    TaskCompleted = new()
                    {
                        TaskScheduledId = answer.TaskId,
                        Result = answer.Result,
                        TaskExecutionId = taskExecutionId,
                    },
                }
            );

    public static HistoryEvent TaskFailed(
        int taskId,
        TaskFailureDetails failure,
        string taskExecutionId,
        DateTimeOffset now
    ) =>
        At(
            now,
            new HistoryEvent
            {
                TaskFailed = new()
                {
                    TaskScheduledId = taskId,
                    FailureDetails = failure,
                    TaskExecutionId = taskExecutionId,
                },
            }
        );

    /// <summary>What a parent is told when its child ended: anything but COMPLETED is a failure to
    /// it.</summary>
    public static HistoryEvent ChildEnded(int taskId, ExecutionCompletedEvent end, DateTimeOffset now) =>
        end.WorkflowStatus == OrchestrationStatus.Completed
            ? At(
                now,
                new HistoryEvent
                {
                    ChildWorkflowInstanceCompleted = new() { TaskScheduledId = taskId, Result = end.Result },
                }
            )
            : ChildFailed(taskId, end.FailureDetails ?? EndedAs(end.WorkflowStatus), now);

    public static HistoryEvent ChildFailed(int taskId, TaskFailureDetails failure, DateTimeOffset now) =>
        At(
            now,
            new HistoryEvent
            {
                ChildWorkflowInstanceFailed = new() { TaskScheduledId = taskId, FailureDetails = failure },
            }
        );

    public static TaskFailureDetails Failure(string errorType, string message) =>
        new() { ErrorType = errorType, ErrorMessage = message };

    private static TaskFailureDetails EndedAs(OrchestrationStatus status) =>
        Failure("ChildWorkflowEnded", $"the child workflow ended as {StatusNames.Of(status)}");

    private static HistoryEvent At(DateTimeOffset now, HistoryEvent historyEvent)
    {
        historyEvent.Timestamp = now.ToTimestamp();
        if (historyEvent.EventId == 0 && historyEvent.ExecutionCompleted is null)
        {
            historyEvent.EventId = Unnumbered;
        }
        return historyEvent;
    }
}
