using Microsoft.Extensions.Logging;

namespace Dapr.Workflow;

/// <summary>Everything a workflow may do to the world, and all it may know of it.</summary>
public abstract class WorkflowContext
{
    /// <summary>The workflow's name.</summary>
    public abstract string Name { get; }

    /// <summary>The instance's id.</summary>
    public abstract string InstanceId { get; }

    /// <summary>The time, the same in every replay.</summary>
    public abstract DateTime CurrentUtcDateTime { get; }

    /// <summary>Whether what runs now has run before.</summary>
    public abstract bool IsReplaying { get; }

    /// <summary>Runs an activity for its effect.</summary>
    public virtual Task CallActivityAsync(
        string name,
        object? input = null,
        WorkflowTaskOptions? options = null
    ) => CallActivityAsync<object>(name, input, options);

    /// <summary>Runs an activity for its result.</summary>
    public abstract Task<T> CallActivityAsync<T>(
        string name,
        object? input = null,
        WorkflowTaskOptions? options = null
    );

    /// <summary>Waits, durably.</summary>
    public virtual Task CreateTimer(TimeSpan delay, CancellationToken cancellationToken = default) =>
        CreateTimer(CurrentUtcDateTime.Add(delay), cancellationToken);

    /// <summary>Waits until an instant, durably.</summary>
    public abstract Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken);

    /// <summary>Waits for an event; the oldest unread one of that name counts. Names ignore case.</summary>
    public abstract Task<T> WaitForExternalEventAsync<T>(
        string eventName,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Waits for an event; a <see cref="TaskCanceledException"/> when it does not come in time.
    /// </summary>
    public abstract Task<T> WaitForExternalEventAsync<T>(string eventName, TimeSpan timeout);

    /// <summary>Sends an event to another instance.</summary>
    public abstract void SendEvent(string instanceId, string eventName, object payload);

    /// <summary>Shows something to those who look at the instance.</summary>
    public abstract void SetCustomStatus(object? customStatus);

    /// <summary>Runs another workflow as a step of this one, for its result.</summary>
    public abstract Task<TResult> CallChildWorkflowAsync<TResult>(
        string workflowName,
        object? input = null,
        ChildWorkflowTaskOptions? options = null
    );

    /// <summary>Runs another workflow as a step of this one, for its effect.</summary>
    public virtual Task CallChildWorkflowAsync(
        string workflowName,
        object? input = null,
        ChildWorkflowTaskOptions? options = null
    ) => CallChildWorkflowAsync<object>(workflowName, input, options);

    /// <summary>A logger that is silent while what runs now has run before.</summary>
    public abstract ILogger CreateReplaySafeLogger(string categoryName);

    /// <summary>A logger that is silent while what runs now has run before.</summary>
    public abstract ILogger CreateReplaySafeLogger(Type type);

    /// <summary>A logger that is silent while what runs now has run before.</summary>
    public abstract ILogger CreateReplaySafeLogger<T>();

    /// <summary>Ends this run and begins another with a new input and an empty history.</summary>
    public abstract void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true);

    /// <summary>A new id, the same in every replay.</summary>
    public abstract Guid NewGuid();
}
