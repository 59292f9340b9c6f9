namespace Dapr.Workflow.Client;

/// <summary>A page of instance ids.</summary>
/// <param name="InstanceIds">The ids.</param>
/// <param name="ContinuationToken">For the next page; null when this is the last.</param>
public record WorkflowInstancePage(IReadOnlyList<string> InstanceIds, string? ContinuationToken);

/// <summary>One entry of an instance's history.</summary>
/// <param name="EventId">The id of the task it began, or -1.</param>
/// <param name="EventType">What happened.</param>
/// <param name="Timestamp">When, UTC.</param>
public record WorkflowHistoryEvent(int EventId, WorkflowHistoryEventType EventType, DateTime Timestamp);

/// <summary>What can happen in an instance.</summary>
public enum WorkflowHistoryEventType
{
    /// <summary>Something that this version does not know.</summary>
    Unknown = 0,

    /// <summary>The run began.</summary>
    ExecutionStarted,

    /// <summary>The run ended.</summary>
    ExecutionCompleted,

    /// <summary>Somebody ended the instance.</summary>
    ExecutionTerminated,

    /// <summary>An activity was asked for.</summary>
    TaskScheduled,

    /// <summary>An activity returned.</summary>
    TaskCompleted,

    /// <summary>An activity threw.</summary>
    TaskFailed,

    /// <summary>A timer was set.</summary>
    TimerCreated,

    /// <summary>A timer ran out.</summary>
    TimerFired,

    /// <summary>An event was sent to another instance.</summary>
    EventSent,

    /// <summary>An event arrived.</summary>
    EventRaised,

    /// <summary>The run is starting over.</summary>
    ContinueAsNew,

    /// <summary>Somebody suspended the instance.</summary>
    ExecutionSuspended,

    /// <summary>Somebody resumed the instance.</summary>
    ExecutionResumed,
}
