using System.Diagnostics;
using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Dapr.Workflow.Client;
using Dapr.Workflow.Worker;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;

namespace Dapr.Workflow;

/// <summary>The client of the workflow engine in the sidecar.</summary>
public class DaprWorkflowClient : IDaprWorkflowClient
{
    private readonly GrpcChannel _channel;
    private readonly Metadata _headers;
    private readonly IDaprSerializer _serializer;
    private readonly TaskHubSidecarService.TaskHubSidecarServiceClient _engine;

    internal DaprWorkflowClient(GrpcChannel channel, Metadata headers, IDaprSerializer serializer)
    {
        _channel = channel;
        _headers = headers;
        _serializer = serializer;
        _engine = new TaskHubSidecarService.TaskHubSidecarServiceClient(channel);
    }

    /// <inheritdoc/>
    public Task<string> ScheduleNewWorkflowAsync(
        string name,
        string? instanceId = null,
        object? input = null
    ) => ScheduleNewWorkflowAsync(name, instanceId, input, startTime: (DateTimeOffset?)null);

    /// <inheritdoc/>
    public Task<string> ScheduleNewWorkflowAsync(
        string name,
        string? instanceId,
        object? input,
        DateTime? startTime
    ) => ScheduleNewWorkflowAsync(name, instanceId, input, (DateTimeOffset?)startTime);

    /// <inheritdoc/>
    public async Task<string> ScheduleNewWorkflowAsync(
        string name,
        string? instanceId,
        object? input,
        DateTimeOffset? startTime,
        CancellationToken cancellation = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var request = new CreateInstanceRequest
        {
            InstanceId = string.IsNullOrEmpty(instanceId) ? Guid.CreateVersion7().ToString("N") : instanceId,
            Name = name,
            Input = _serializer.Write(input),
            ScheduledStartTimestamp = startTime is { } instant ? Timestamp.FromDateTimeOffset(instant) : null,
            ParentTraceContext = Traces.Of(Activity.Current),
        };
        return (await _engine.StartInstanceAsync(request, Options(cancellation))).InstanceId;
    }

    /// <inheritdoc/>
    public async Task<WorkflowState> GetWorkflowStateAsync(
        string instanceId,
        bool getInputsAndOutputs = true,
        CancellationToken cancellation = default
    ) =>
        new(
            await _engine.GetInstanceAsync(Get(instanceId, getInputsAndOutputs), Options(cancellation)),
            _serializer
        );

    /// <inheritdoc/>
    public Task<WorkflowState> WaitForWorkflowStartAsync(
        string instanceId,
        bool getInputsAndOutputs = true,
        CancellationToken cancellation = default
    )
    {
        var request = Get(instanceId, getInputsAndOutputs);
        return WaitAsync(
            () => _engine.WaitForInstanceStartAsync(request, Options(cancellation)),
            cancellation
        );
    }

    /// <inheritdoc/>
    public Task<WorkflowState> WaitForWorkflowCompletionAsync(
        string instanceId,
        bool getInputsAndOutputs = true,
        CancellationToken cancellation = default
    )
    {
        var request = Get(instanceId, getInputsAndOutputs);
        return WaitAsync(
            () => _engine.WaitForInstanceCompletionAsync(request, Options(cancellation)),
            cancellation
        );
    }

    /// <inheritdoc/>
    public async Task RaiseEventAsync(
        string instanceId,
        string eventName,
        object? eventPayload = null,
        CancellationToken cancellation = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        var request = new RaiseEventRequest
        {
            InstanceId = instanceId,
            Name = eventName,
            Input = _serializer.Write(eventPayload),
        };
        await _engine.RaiseEventAsync(request, Options(cancellation));
    }

    /// <inheritdoc/>
    public async Task TerminateWorkflowAsync(
        string instanceId,
        object? output = null,
        CancellationToken cancellation = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        var request = new TerminateRequest
        {
            InstanceId = instanceId,
            Output = _serializer.Write(output),
            Recursive = true,
        };
        await _engine.TerminateInstanceAsync(request, Options(cancellation));
    }

    /// <inheritdoc/>
    public async Task SuspendWorkflowAsync(
        string instanceId,
        string? reason = null,
        CancellationToken cancellation = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        var request = new SuspendRequest { InstanceId = instanceId, Reason = reason };
        await _engine.SuspendInstanceAsync(request, Options(cancellation));
    }

    /// <inheritdoc/>
    public async Task ResumeWorkflowAsync(
        string instanceId,
        string? reason = null,
        CancellationToken cancellation = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        var request = new ResumeRequest { InstanceId = instanceId, Reason = reason };
        await _engine.ResumeInstanceAsync(request, Options(cancellation));
    }

    /// <inheritdoc/>
    public async Task<bool> PurgeInstanceAsync(string instanceId, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        var request = new PurgeInstancesRequest { InstanceId = instanceId, Recursive = true };
        var answer = await _engine.PurgeInstancesAsync(request, Options(cancellation));
        return answer.DeletedInstanceCount > 0;
    }

    /// <inheritdoc/>
    public async Task<WorkflowInstancePage> ListInstanceIdsAsync(
        string? continuationToken = null,
        int? pageSize = null,
        CancellationToken cancellation = default
    )
    {
        var request = new ListInstanceIDsRequest();
        if (continuationToken is not null)
            request.ContinuationToken = continuationToken;
        if (pageSize is { } size)
            request.PageSize = checked((uint)size);
        var answer = await _engine.ListInstanceIDsAsync(request, Options(cancellation));
        return new WorkflowInstancePage(
            [.. answer.InstanceIds],
            answer.HasContinuationToken ? answer.ContinuationToken : null
        );
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<WorkflowHistoryEvent>> GetInstanceHistoryAsync(
        string instanceId,
        CancellationToken cancellation = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        var request = new GetInstanceHistoryRequest { InstanceId = instanceId };
        var answer = await _engine.GetInstanceHistoryAsync(request, Options(cancellation));
        return
        [
            .. answer.Events.Select(happened => new WorkflowHistoryEvent(
                happened.EventId,
                System.Enum.TryParse<WorkflowHistoryEventType>(
                    happened.EventTypeCase.ToString(),
                    out var type
                )
                    ? type
                    : WorkflowHistoryEventType.Unknown,
                happened.Timestamp?.ToDateTime() ?? default
            )),
        ];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _channel.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    // A wait may outlive the sidecar: when that is restarted, ask again.
    private async Task<WorkflowState> WaitAsync(
        Func<AsyncUnaryCall<GetInstanceResponse>> ask,
        CancellationToken cancellation
    )
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2));
        while (true)
        {
            try
            {
                using var call = ask();
                return new WorkflowState(await call, _serializer);
            }
            catch (RpcException lost) when (Transient.Is(lost) && !cancellation.IsCancellationRequested)
            {
                await Task.Delay(backoff.Next(), TimeProvider.System, cancellation);
            }
        }
    }

    private static GetInstanceRequest Get(string instanceId, bool getInputsAndOutputs)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        return new GetInstanceRequest { InstanceId = instanceId, GetInputsAndOutputs = getInputsAndOutputs };
    }

    private CallOptions Options(CancellationToken cancellation) =>
        new(_headers, cancellationToken: cancellation);
}
