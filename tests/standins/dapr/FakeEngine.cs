using System.Collections.Concurrent;
using System.Threading.Channels;
using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Tests.Standins;

/// <summary>The engine's side of the workflow protocol, as far as a worker or client can see it.</summary>
internal sealed class FakeEngine : TaskHubSidecarService.TaskHubSidecarServiceBase
{
    private readonly Channel<WorkItem?> _items = Channel.CreateUnbounded<WorkItem?>();
    private readonly Channel<WorkflowResponse> _turns = Channel.CreateUnbounded<WorkflowResponse>();
    private readonly Channel<ActivityResponse> _activities = Channel.CreateUnbounded<ActivityResponse>();
    private readonly Channel<bool> _connections = Channel.CreateUnbounded<bool>();

    public ConcurrentQueue<CreateInstanceRequest> Created { get; } = new();

    public ConcurrentQueue<RaiseEventRequest> Raised { get; } = new();

    public GetInstanceResponse Instance { get; set; } = new();

    public List<HistoryEvent> History { get; } = [];

    /// <summary>How the next answers are refused, one each.</summary>
    public ConcurrentQueue<Status> Refusals { get; } = new();

    public void Send(WorkItem item) => _items.Writer.TryWrite(item);

    /// <summary>Ends the worker's stream from this side.</summary>
    public void Hangup() => _items.Writer.TryWrite(null);

    public async Task<WorkflowResponse> TurnAsync() => await ReadAsync(_turns);

    public async Task<ActivityResponse> ActivityAsync() => await ReadAsync(_activities);

    public async Task ConnectionAsync() => await ReadAsync(_connections);

    public static WorkItem Turn(string instanceId, string token, params HistoryEvent[] inbox)
    {
        var request = new WorkflowRequest { InstanceId = instanceId, ExecutionId = "run-1" };
        request.NewEvents.Add(Happens.TurnStarted(new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc)));
        request.NewEvents.AddRange(inbox);
        return new WorkItem { WorkflowRequest = request, CompletionToken = token };
    }

    public static WorkItem Activity(string name, string? input, string token, int id = 0) =>
        new()
        {
            ActivityRequest = new ActivityRequest
            {
                Name = name,
                Input = input,
                TaskId = id,
                TaskExecutionId = "key-1",
                WorkflowInstance = new WorkflowInstance { InstanceId = "w1", ExecutionId = "run-1" },
            },
            CompletionToken = token,
        };

    public override Task<Empty> Hello(Empty request, ServerCallContext context) =>
        Task.FromResult(new Empty());

    public override async Task GetWorkItems(
        GetWorkItemsRequest request,
        IServerStreamWriter<WorkItem> responseStream,
        ServerCallContext context
    )
    {
        _connections.Writer.TryWrite(true);
        try
        {
            while (await _items.Reader.ReadAsync(context.CancellationToken) is { } item)
                await responseStream.WriteAsync(item, context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            return; // The worker went away.
        }
    }

    public override Task<CompleteTaskResponse> CompleteOrchestratorTask(
        WorkflowResponse request,
        ServerCallContext context
    ) => Take(_turns, request);

    public override Task<CompleteTaskResponse> CompleteActivityTask(
        ActivityResponse request,
        ServerCallContext context
    ) => Take(_activities, request);

    public override Task<CreateInstanceResponse> StartInstance(
        CreateInstanceRequest request,
        ServerCallContext context
    )
    {
        Created.Enqueue(request);
        return Refusals.TryDequeue(out var refusal)
            ? throw new RpcException(refusal)
            : Task.FromResult(new CreateInstanceResponse { InstanceId = request.InstanceId });
    }

    public override Task<GetInstanceResponse> GetInstance(
        GetInstanceRequest request,
        ServerCallContext context
    ) => Task.FromResult(Instance);

    public override Task<GetInstanceResponse> WaitForInstanceCompletion(
        GetInstanceRequest request,
        ServerCallContext context
    ) => Refusals.TryDequeue(out var refusal) ? throw new RpcException(refusal) : Task.FromResult(Instance);

    public override Task<RaiseEventResponse> RaiseEvent(RaiseEventRequest request, ServerCallContext context)
    {
        Raised.Enqueue(request);
        return Task.FromResult(new RaiseEventResponse());
    }

    public override Task<PurgeInstancesResponse> PurgeInstances(
        PurgeInstancesRequest request,
        ServerCallContext context
    ) => Task.FromResult(new PurgeInstancesResponse { DeletedInstanceCount = 1 });

    public override Task<ListInstanceIDsResponse> ListInstanceIDs(
        ListInstanceIDsRequest request,
        ServerCallContext context
    ) =>
        Task.FromResult(
            new ListInstanceIDsResponse
            {
                InstanceIds = { $"page of {request.PageSize} after {request.ContinuationToken}" },
                ContinuationToken = "next",
            }
        );

    public override Task<GetInstanceHistoryResponse> GetInstanceHistory(
        GetInstanceHistoryRequest request,
        ServerCallContext context
    ) => Task.FromResult(new GetInstanceHistoryResponse { Events = { History } });

    private Task<CompleteTaskResponse> Take<T>(Channel<T> taken, T answer)
    {
        if (Refusals.TryDequeue(out var refusal))
            throw new RpcException(refusal);
        taken.Writer.TryWrite(answer);
        return Task.FromResult(new CompleteTaskResponse());
    }

    // Generous: it only bounds a broken test.
    private static async Task<T> ReadAsync<T>(Channel<T> channel) =>
        await channel.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(90));
}
