using Dapr.Common;
using Dapr.Workflow.Client;

namespace Dapr.Workflow;

/// <summary>Starts workflow instances, looks at them and acts on them from outside.</summary>
public interface IDaprWorkflowClient : IDaprClient, IAsyncDisposable
{
    /// <summary>Starts an instance; ALREADY_EXISTS while one with that id is active.</summary>
    Task<string> ScheduleNewWorkflowAsync(string name, string? instanceId = null, object? input = null);

    /// <summary>Starts an instance at an instant.</summary>
    Task<string> ScheduleNewWorkflowAsync(
        string name,
        string? instanceId,
        object? input,
        DateTime? startTime
    );

    /// <summary>Starts an instance at an instant.</summary>
    Task<string> ScheduleNewWorkflowAsync(
        string name,
        string? instanceId,
        object? input,
        DateTimeOffset? startTime,
        CancellationToken cancellation = default
    );

    /// <summary>Looks at an instance.</summary>
    Task<WorkflowState> GetWorkflowStateAsync(
        string instanceId,
        bool getInputsAndOutputs = true,
        CancellationToken cancellation = default
    );

    /// <summary>Waits until an instance is no longer pending, also for one that does not exist yet.</summary>
    Task<WorkflowState> WaitForWorkflowStartAsync(
        string instanceId,
        bool getInputsAndOutputs = true,
        CancellationToken cancellation = default
    );

    /// <summary>Waits until an instance has ended.</summary>
    Task<WorkflowState> WaitForWorkflowCompletionAsync(
        string instanceId,
        bool getInputsAndOutputs = true,
        CancellationToken cancellation = default
    );

    /// <summary>Sends an event to an instance.</summary>
    Task RaiseEventAsync(
        string instanceId,
        string eventName,
        object? eventPayload = null,
        CancellationToken cancellation = default
    );

    /// <summary>Ends an instance and its children.</summary>
    Task TerminateWorkflowAsync(
        string instanceId,
        object? output = null,
        CancellationToken cancellation = default
    );

    /// <summary>Suspends an instance.</summary>
    Task SuspendWorkflowAsync(
        string instanceId,
        string? reason = null,
        CancellationToken cancellation = default
    );

    /// <summary>Resumes a suspended instance.</summary>
    Task ResumeWorkflowAsync(
        string instanceId,
        string? reason = null,
        CancellationToken cancellation = default
    );

    /// <summary>Forgets an instance that has ended; whether there was one.</summary>
    Task<bool> PurgeInstanceAsync(string instanceId, CancellationToken cancellation = default);

    /// <summary>Pages through the ids of all instances.</summary>
    Task<WorkflowInstancePage> ListInstanceIdsAsync(
        string? continuationToken = null,
        int? pageSize = null,
        CancellationToken cancellation = default
    );

    /// <summary>Reads what happened in an instance.</summary>
    Task<IReadOnlyList<WorkflowHistoryEvent>> GetInstanceHistoryAsync(
        string instanceId,
        CancellationToken cancellation = default
    );
}
