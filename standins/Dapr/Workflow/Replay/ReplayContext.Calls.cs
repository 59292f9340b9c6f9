using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;

namespace Dapr.Workflow.Replay;

/// <summary>What the workflow calls.</summary>
internal sealed partial class ReplayContext
{
    /// <inheritdoc/>
    public override Task CallActivityAsync(
        string name,
        object? input = null,
        WorkflowTaskOptions? options = null
    ) => CallActivityAsync<Payload.Nothing>(name, input, options);

    /// <inheritdoc/>
    public override Task<T> CallActivityAsync<T>(
        string name,
        object? input = null,
        WorkflowTaskOptions? options = null
    )
    {
        RequireTurn();
        ArgumentException.ThrowIfNullOrEmpty(name);
        var payload = serializer.Write(input);
        // Every attempt of one call has the same key, made from the first attempt's id.
        var key = DeterministicGuid.Create(IdSpace, $"{InstanceId}|activity|{NextId}|{name}").ToString("N");
        if (options?.RetryPolicy is not { } policy)
            return AttemptAsync();
        return RetryAsync(
            policy,
            AttemptAsync,
            timer => timer.ActivityRetry = new TimerOriginActivityRetry { TaskExecutionId = key }
        );

        Task<T> AttemptAsync()
        {
            var router = Route(options?.TargetAppId);
            var call = new ScheduleTaskAction
            {
                Name = name,
                Input = payload,
                TaskExecutionId = key,
                Router = router,
            };
            var task = NewTask<T>();
            Add(name, new WorkflowAction { ScheduleTask = call, Router = router }, task);
            return task.Task;
        }
    }

    /// <inheritdoc/>
    public override Task CallChildWorkflowAsync(
        string workflowName,
        object? input = null,
        ChildWorkflowTaskOptions? options = null
    ) => CallChildWorkflowAsync<Payload.Nothing>(workflowName, input, options);

    /// <inheritdoc/>
    public override Task<TResult> CallChildWorkflowAsync<TResult>(
        string workflowName,
        object? input = null,
        ChildWorkflowTaskOptions? options = null
    )
    {
        RequireTurn();
        ArgumentException.ThrowIfNullOrEmpty(workflowName);
        var payload = serializer.Write(input);
        var childId = options?.InstanceId ?? NewGuid().ToString();
        if (options?.RetryPolicy is not { } policy)
            return AttemptAsync();
        return RetryAsync(
            policy,
            AttemptAsync,
            timer => timer.ChildWorkflowRetry = new TimerOriginChildWorkflowRetry { InstanceId = childId }
        );

        Task<TResult> AttemptAsync()
        {
            var router = Route(options?.TargetAppId);
            var call = new CreateChildWorkflowAction
            {
                InstanceId = childId,
                Name = workflowName,
                Input = payload,
                Router = router,
            };
            var task = NewTask<TResult>();
            Add(workflowName, new WorkflowAction { CreateChildWorkflow = call, Router = router }, task);
            return task.Task;
        }
    }

    /// <inheritdoc/>
    public override async Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        RequireTurn();
        cancellationToken.ThrowIfCancellationRequested();
        var task = AddTimer(fireAt, timer => timer.CreateTimer = new TimerOriginCreateTimer());
        await using var _ = cancellationToken.Register(() => scheduler.Guard(task.Cancel));
        await task.Task;
    }

    /// <inheritdoc/>
    public override async Task<T> WaitForExternalEventAsync<T>(
        string eventName,
        CancellationToken cancellationToken = default
    )
    {
        RequireTurn();
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        cancellationToken.ThrowIfCancellationRequested();
        if (Events.Take(eventName) is { } raised)
            return serializer.Read<T>(raised.Input);
        var waiter = NewTask<T>();
        Events.Wait(eventName, waiter);
        await using var _ = cancellationToken.Register(() => scheduler.Guard(waiter.Cancel));
        return await waiter.Task;
    }

    /// <inheritdoc/>
    public override async Task<T> WaitForExternalEventAsync<T>(string eventName, TimeSpan timeout)
    {
        RequireTurn();
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        if (timeout == Timeout.InfiniteTimeSpan)
            return await WaitForExternalEventAsync<T>(eventName);
        if (Events.Take(eventName) is { } raised)
            return serializer.Read<T>(raised.Input);
        if (timeout <= TimeSpan.Zero)
            throw new TaskCanceledException($"No event '{eventName}' is there.");

        var waiter = NewTask<T>();
        Events.Wait(eventName, waiter);
        var timer = AddTimer(
            CurrentUtcDateTime.Add(timeout),
            action => action.ExternalEvent = new TimerOriginExternalEvent { Name = eventName }
        );
        After(timer, waiter.Cancel);
        After(waiter, timer.Cancel);
        return await waiter.Task;
    }

    /// <inheritdoc/>
    public override void SendEvent(string instanceId, string eventName, object payload)
    {
        RequireTurn();
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        var send = new SendEventAction
        {
            Instance = new WorkflowInstance { InstanceId = instanceId },
            Name = eventName,
            Data = serializer.Write(payload),
        };
        Add(eventName, new WorkflowAction { SendEvent = send }, task: null);
    }

    private async Task<T> RetryAsync<T>(
        WorkflowRetryPolicy policy,
        Func<Task<T>> attemptAsync,
        Action<CreateTimerAction> describeTimer
    )
    {
        var begun = CurrentUtcDateTime;
        for (var attempt = 1; ; attempt++)
        {
            TimeSpan pause;
            try
            {
                return await attemptAsync();
            }
            catch (WorkflowTaskFailedException failure) when (!failure.FailureDetails.IsNonRetriable)
            {
                if (policy.PauseAfter(attempt, CurrentUtcDateTime - begun) is not { } next)
                    throw;
                pause = next;
            }
            await AddTimer(CurrentUtcDateTime.Add(pause), describeTimer).Task;
        }
    }

    private static void After(DurableTask task, Action action)
    {
        var before = task.Settled;
        task.Settled = () =>
        {
            before?.Invoke();
            action();
        };
    }

    private TaskRouter? Route(string? targetAppId) =>
        string.IsNullOrEmpty(targetAppId)
            ? null
            : new TaskRouter
            {
                SourceAppID = request.Router?.SourceAppID ?? string.Empty,
                TargetAppID = targetAppId,
            };
}
