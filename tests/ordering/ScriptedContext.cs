using Dapr.Workflow;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Ordering;

namespace Souk.Tests.Ordering;

/// <summary>
/// Runs a workflow's code by a script: what each step answers is said beforehand, and time passes only
/// where the workflow waits. What it did, in order, is in <see cref="Steps"/>.
/// </summary>
internal sealed class ScriptedContext : WorkflowContext
{
    private readonly Dictionary<string, Queue<StepResult>> _script = [];
    private DateTime _now = new(2026, 3, 1, 12, 0, 0, DateTimeKind.Utc);

    /// <summary>The steps that were taken, and the events that were waited for.</summary>
    internal List<string> Steps { get; } = [];

    /// <summary>How the order ended, when it did not become a sale.</summary>
    internal StepFailure? Failure { get; private set; }

    /// <summary>
    /// What a step answers next; the last answer said is given again and again, without one it succeeds.
    /// </summary>
    internal void Says(string step, params StepResult[] results) => _script[step] = new(results);

    public override string Name => nameof(CheckoutWorkflow);

    public override string InstanceId => "scripted";

    public override DateTime CurrentUtcDateTime => _now;

    public override bool IsReplaying => false;

    public override Task<T> CallActivityAsync<T>(
        string name,
        object? input = null,
        WorkflowTaskOptions? options = null
    )
    {
        Steps.Add(name);
        Assert.That(options, Is.SameAs(CheckoutRetry.Forever), "a step is never given up");
        if (input is FailOrderInput end)
        {
            Failure = end.Failure;
            return Task.FromResult((T)(object)new CheckoutResult("failed", end.Failure));
        }
        if (typeof(T) == typeof(bool))
            return Task.FromResult((T)(object)true);
        return Task.FromResult((T)(object)Next(name));
    }

    public override Task<T> WaitForExternalEventAsync<T>(string eventName, TimeSpan timeout)
    {
        Steps.Add($"wait for {eventName}");
        _now += timeout;
        return Task.FromException<T>(new TaskCanceledException());
    }

    private StepResult Next(string step)
    {
        if (!_script.TryGetValue(step, out var results))
            return StepResult.Done;
        return results.Count > 1 ? results.Dequeue() : results.Peek();
    }

    public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task<T> WaitForExternalEventAsync<T>(
        string eventName,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public override void SendEvent(string instanceId, string eventName, object payload) =>
        throw new NotSupportedException();

    public override void SetCustomStatus(object? customStatus) => throw new NotSupportedException();

    public override Task<TResult> CallChildWorkflowAsync<TResult>(
        string workflowName,
        object? input = null,
        ChildWorkflowTaskOptions? options = null
    ) => throw new NotSupportedException();

    public override ILogger CreateReplaySafeLogger(string categoryName) => NullLogger.Instance;

    public override ILogger CreateReplaySafeLogger(System.Type type) => NullLogger.Instance;

    public override ILogger CreateReplaySafeLogger<T>() => NullLogger.Instance;

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true) =>
        throw new NotSupportedException();

    public override Guid NewGuid() => throw new NotSupportedException();
}
