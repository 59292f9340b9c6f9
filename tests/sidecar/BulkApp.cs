using System.Collections.Concurrent;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>The name by which an app knows the bulk callback.</summary>
internal enum BulkCallback
{
    Current,
    Older,
}

/// <summary>A gRPC app that takes events in bulk and answers entry by entry.</summary>
internal sealed class BulkApp : IAsyncDisposable
{
    internal static readonly Verdict? Success = Verdict.Success;
    internal static readonly Verdict? Retry = Verdict.Retry;
    internal static readonly Verdict? Drop = Verdict.Drop;

    private readonly ConcurrentQueue<TopicEventBulkRequest> _calls = new();
    private readonly TopicSubscription[] _subscriptions;
    private readonly LoopbackServer _server;

    private BulkApp(BulkCallback callback, TopicSubscription[] subscriptions)
    {
        _subscriptions = subscriptions;
        _server = LoopbackServer.Grpc(
            web =>
            {
                web.MapGrpcService<Callbacks>();
                if (callback == BulkCallback.Older)
                    web.MapGrpcService<OlderCallbacks>();
            },
            new Callbacks(this, callback),
            new OlderCallbacks(this)
        );
    }

    internal int Port => _server.Port;

    /// <summary>The verdict on an entry, null to leave it out; by default all are taken.</summary>
    internal Func<TopicEventBulkRequest, TopicEventBulkRequestEntry, Verdict?> Answer { get; set; } =
        (_, _) => Verdict.Success;

    internal IReadOnlyList<TopicEventBulkRequest> Calls => [.. _calls];

    internal static async Task<BulkApp> StartAsync(
        BulkCallback callback,
        params TopicSubscription[] subscriptions
    )
    {
        var app = new BulkApp(callback, subscriptions);
        await app._server.UpAsync();
        return app;
    }

    internal Task UntilAsync(int entries) =>
        Eventually.ThatAsync(() => _calls.Sum(call => call.Entries.Count) >= entries, $"{entries} entries");

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private TopicEventBulkResponse Take(TopicEventBulkRequest request)
    {
        _calls.Enqueue(request);
        var response = new TopicEventBulkResponse();
        foreach (var entry in request.Entries)
        {
            if (Answer(request, entry) is { } verdict)
                response.Statuses.Add(
                    new TopicEventBulkResponseEntry { EntryId = entry.EntryId, Status = verdict }
                );
        }
        return response;
    }

    private sealed class Callbacks(BulkApp app, BulkCallback callback) : AppCallback.AppCallbackBase
    {
        public override Task<ListTopicSubscriptionsResponse> ListTopicSubscriptions(
            Empty request,
            ServerCallContext context
        ) => Task.FromResult(new ListTopicSubscriptionsResponse { Subscriptions = { app._subscriptions } });

        public override Task<TopicEventBulkResponse> OnBulkTopicEvent(
            TopicEventBulkRequest request,
            ServerCallContext context
        ) =>
            callback == BulkCallback.Current
                ? Task.FromResult(app.Take(request))
                : base.OnBulkTopicEvent(request, context);
    }

    private sealed class OlderCallbacks(BulkApp app) : AppCallbackAlpha.AppCallbackAlphaBase
    {
        public override Task<TopicEventBulkResponse> OnBulkTopicEventAlpha1(
            TopicEventBulkRequest request,
            ServerCallContext context
        ) => Task.FromResult(app.Take(request));
    }
}
