using Dapr.Common;
using Dapr.DurableTask.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;

namespace Dapr.Workflow.Worker;

/// <summary>The worker's calls to the engine in the sidecar.</summary>
internal sealed class EngineConnection : IDisposable
{
    private const int AnswerAttemptsMax = 10;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    private readonly GrpcChannel _channel;
    private readonly Metadata _headers;
    private readonly TaskHubSidecarService.TaskHubSidecarServiceClient _engine;

    internal EngineConnection(IConfiguration? configuration, GrpcChannelOptions? options)
    {
        if (options is null)
        {
            options = SidecarChannel.Resilient();
            // A history may outgrow gRPC's 4 MiB; what the sidecar is willing to send, the worker takes.
            options.MaxReceiveMessageSize = null;
        }
        Endpoint = DaprDefaults.GetDefaultGrpcEndpoint(configuration);
        _channel = SidecarChannel.Open(Endpoint, options);
        _headers = SidecarChannel.Headers(DaprDefaults.GetDefaultDaprApiToken(configuration));
        _engine = new TaskHubSidecarService.TaskHubSidecarServiceClient(_channel);
    }

    internal string Endpoint { get; }

    internal AsyncServerStreamingCall<WorkItem> OpenWorkItems(CancellationToken cancellationToken) =>
        _engine.GetWorkItems(
            new GetWorkItemsRequest { Capabilities = { WorkerCapability.HistoryStreaming } },
            _headers,
            cancellationToken: cancellationToken
        );

    internal async Task PingAsync(CancellationToken cancellationToken) =>
        await _engine.HelloAsync(
            new Google.Protobuf.WellKnownTypes.Empty(),
            _headers,
            Deadline(PingTimeout),
            cancellationToken
        );

    internal async Task<IReadOnlyList<HistoryEvent>> HistoryAsync(
        string instanceId,
        CancellationToken cancellationToken
    )
    {
        var request = new GetInstanceHistoryRequest { InstanceId = instanceId };
        var answer = await _engine.GetInstanceHistoryAsync(
            request,
            _headers,
            cancellationToken: cancellationToken
        );
        return answer.Events;
    }

    internal Task AnswerTurnAsync(WorkflowResponse response) =>
        // The name that sidecars before 1.18 know too.
        AnswerAsync(() => _engine.CompleteOrchestratorTaskAsync(response, _headers, Deadline(AnswerTimeout)));

    /// <summary>The token is asked for at each attempt: a reconnection may have replaced it.</summary>
    internal Task AnswerActivityAsync(ActivityResponse response, Func<string> token) =>
        AnswerAsync(() =>
        {
            response.CompletionToken = token();
            return _engine.CompleteActivityTaskAsync(response, _headers, Deadline(AnswerTimeout));
        });

    public void Dispose() => _channel.Dispose();

    private static async Task AnswerAsync(Func<AsyncUnaryCall<CompleteTaskResponse>> send)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var call = send();
                await call;
                return;
            }
            catch (RpcException failure) when (attempt < AnswerAttemptsMax && MayPass(failure))
            {
                await Task.Delay(backoff.Next(), TimeProvider.System, CancellationToken.None);
            }
        }
    }

    // The engine's store may be away for a moment: that is INTERNAL or UNKNOWN, and losing the answer is
    // worse.
    internal static bool MayPass(RpcException failure) =>
        Transient.Is(failure) || failure.StatusCode is StatusCode.Internal or StatusCode.Unknown;

    private static DateTime Deadline(TimeSpan timeout) =>
        TimeProvider.System.GetUtcNow().UtcDateTime + timeout;
}
