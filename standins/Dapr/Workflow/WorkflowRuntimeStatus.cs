namespace Dapr.Workflow;

/// <summary>Where an instance is in its life.</summary>
public enum WorkflowRuntimeStatus
{
    /// <summary>There is no such instance.</summary>
    Unknown = -1,

    /// <summary>It runs.</summary>
    Running = 0,

    /// <summary>It returned.</summary>
    Completed = 1,

    /// <summary>It is starting over.</summary>
    ContinuedAsNew = 2,

    /// <summary>It threw.</summary>
    Failed = 3,

    /// <summary>It was cancelled.</summary>
    Canceled = 4,

    /// <summary>Somebody ended it.</summary>
    Terminated = 5,

    /// <summary>It waits for a worker or its start time.</summary>
    Pending = 6,

    /// <summary>Somebody suspended it.</summary>
    Suspended = 7,

    /// <summary>No worker can go on with it.</summary>
    Stalled = 8,
}
