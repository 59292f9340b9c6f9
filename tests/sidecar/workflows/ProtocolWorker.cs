using System.Collections.Concurrent;
using Dapr.DurableTask.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>A worker written by hand against the protocol. What has no handler is taken and never
/// answered.</summary>
internal sealed class ProtocolWorker : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly GrpcChannel _channel;
    private readonly TaskHubSidecarService.TaskHubSidecarServiceClient _client;
    private readonly TaskCompletionSource _failing = new();
    private Task _loop = Task.CompletedTask;

    private ProtocolWorker(string address)
    {
        _channel = GrpcChannel.ForAddress(
            address,
            new GrpcChannelOptions { MaxReceiveMessageSize = 16 << 20 }
        );
        _client = new TaskHubSidecarService.TaskHubSidecarServiceClient(_channel);
    }

    public Dictionary<string, Func<Replay, IEnumerable<WorkflowAction>>> Workflows { get; } = [];

    public Dictionary<string, Func<ActivityRequest, Task<string?>>> Activities { get; } = [];

    public string? CustomStatus { get; set; }

    public bool EchoesTokens { get; init; } = true;

    /// <summary>Whether this worker tells that it fetches long histories by itself.</summary>
    public bool FetchesHistory { get; set; }

    /// <summary>Whether <see cref="Items"/> is filled; off where there are too many to keep.</summary>
    public bool KeepItems { get; set; } = true;

    /// <summary>Everything given to this worker, in order.</summary>
    public ConcurrentQueue<WorkItem> Items { get; } = [];

    public IEnumerable<WorkflowRequest> Turns(string instanceId) =>
        Items.Select(i => i.WorkflowRequest).OfType<WorkflowRequest>().Where(r => r.InstanceId == instanceId);

    public IEnumerable<ActivityRequest> ActivitiesOf(string instanceId) =>
        Items
            .Select(i => i.ActivityRequest)
            .OfType<ActivityRequest>()
            .Where(r => r.WorkflowInstance.InstanceId == instanceId);

    public static Task<ProtocolWorker> ConnectAsync(
        WorkflowRuntime runtime,
        Action<ProtocolWorker> configure,
        bool echoesTokens = true
    ) => ConnectAsync(runtime.Channel, configure, echoesTokens);

    public static Task<ProtocolWorker> ConnectAsync(
        GrpcChannel runtime,
        Action<ProtocolWorker> configure,
        bool echoesTokens = true
    )
    {
        var worker = new ProtocolWorker($"http://{runtime.Target}") { EchoesTokens = echoesTokens };
        configure(worker);
        _ = Eventually.Watch(worker._failing.Task);
        return worker.ConnectAsync();
    }

    private async Task<ProtocolWorker> ConnectAsync()
    {
        var request = new GetWorkItemsRequest();
        if (FetchesHistory)
        {
            request.Capabilities.Add(WorkerCapability.HistoryStreaming);
        }
        var stream = _client.GetWorkItems(request, cancellationToken: _stop.Token);
        await stream.ResponseHeadersAsync;
        _loop = Task.Run(() => ReadAsync(stream));
        return this;
    }

    /// <summary>Hangs up at once, with whatever is in hand.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _channel.Dispose();
        _stop.Dispose();
    }

    private async Task ReadAsync(AsyncServerStreamingCall<WorkItem> stream)
    {
        try
        {
            await foreach (var item in stream.ResponseStream.ReadAllAsync(_stop.Token))
            {
                if (KeepItems)
                {
                    Items.Enqueue(item);
                }
                _ = Task.Run(() => HandleAsync(item));
            }
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            // The runtime or the test ended the stream.
        }
    }

    private async Task HandleAsync(WorkItem item)
    {
        try
        {
            await (
                item.WorkflowRequest is { } turn
                    ? AnswerAsync(turn, item)
                    : AnswerAsync(item.ActivityRequest, item)
            );
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException or ObjectDisposedException)
        {
            // As for a worker that dies with the answer on its lips.
        }
        catch (Exception e)
        {
            // Nobody will be answered: for the test that waits for it.
            _failing.TrySetException(e);
        }
    }

    private async Task AnswerAsync(WorkflowRequest turn, WorkItem item)
    {
        if (turn.RequiresHistoryStreaming)
        {
            var history = await _client.GetInstanceHistoryAsync(new() { InstanceId = turn.InstanceId });
            turn.PastEvents.AddRange(history.Events);
        }
        var replay = new Replay(turn);
        if (!Workflows.TryGetValue(replay.Name, out var workflow))
        {
            return;
        }
        var answer = new WorkflowResponse { InstanceId = turn.InstanceId, CompletionToken = TokenOf(item) };
        answer.Actions.AddRange(workflow(replay));
        answer.CustomStatus = CustomStatus;
        await _client.CompleteOrchestratorTaskAsync(answer, cancellationToken: _stop.Token);
    }

    private async Task AnswerAsync(ActivityRequest request, WorkItem item)
    {
        if (!Activities.TryGetValue(request.Name, out var activity))
        {
            return;
        }
        var answer = new ActivityResponse
        {
            InstanceId = request.WorkflowInstance.InstanceId,
            TaskId = request.TaskId,
            CompletionToken = TokenOf(item),
        };
        try
        {
            answer.Result = await activity(request);
        }
        catch (InvalidOperationException e)
        {
            answer.FailureDetails = new()
            {
                ErrorType = nameof(InvalidOperationException),
                ErrorMessage = e.Message,
            };
        }
        await _client.CompleteActivityTaskAsync(answer, cancellationToken: _stop.Token);
    }

    private string TokenOf(WorkItem item) => EchoesTokens ? item.CompletionToken : "";
}
