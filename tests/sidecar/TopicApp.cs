using System.Collections.Concurrent;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>
/// An app that subscribes, notes what it gets, and answers as the test says. It can go down and come back.
/// </summary>
internal sealed class TopicApp : IAsyncDisposable
{
    private readonly ConcurrentQueue<TopicEventRequest> _events = new();
    private readonly ConcurrentQueue<BindingEventRequest> _fired = new();
    private readonly LoopbackServer _server;

    private TopicApp() =>
        _server = LoopbackServer.Grpc(
            web =>
            {
                web.MapGrpcService<Callbacks>();
                web.MapGrpcService<HealthAnswers>();
            },
            new Callbacks(this),
            new HealthAnswers(() => IsHealthy())
        );

    internal int Port => _server.Port;

    internal List<TopicSubscription> Subscriptions { get; } = [];

    internal List<string> Bindings { get; } = [];

    internal IReadOnlyList<BindingEventRequest> Fired => [.. _fired];

    /// <summary>What the app answers; by default it takes everything.</summary>
    internal Func<TopicEventRequest, Task<Verdict>> Answer { get; set; } =
        _ => Task.FromResult(Verdict.Success);

    /// <summary>What the app's health check says.</summary>
    internal Func<bool> IsHealthy { get; set; } = () => true;

    internal IReadOnlyList<TopicEventRequest> Events => [.. _events];

    internal Metadata? LastHeaders { get; private set; }

    internal static async Task<TopicApp> StartAsync(params TopicSubscription[] subscriptions)
    {
        var app = new TopicApp();
        app.Subscriptions.AddRange(subscriptions);
        await app.UpAsync();
        return app;
    }

    internal static TopicSubscription To(string topic, string deadLetter = "", bool raw = false)
    {
        var subscription = new TopicSubscription
        {
            PubsubName = "pubsub",
            Topic = topic,
            DeadLetterTopic = deadLetter,
            Routes = new TopicRoutes { Default = "/" + topic },
        };
        if (raw)
            subscription.Metadata.Add("rawPayload", "true");
        return subscription;
    }

    internal Task UpAsync() => _server.UpAsync();

    internal Task DownAsync() => _server.DownAsync();

    /// <summary>Waits for events that fit.</summary>
    internal async Task<IReadOnlyList<TopicEventRequest>> UntilAsync(
        int count,
        Func<TopicEventRequest, bool>? fits = null
    )
    {
        IReadOnlyList<TopicEventRequest> Fitting() => [.. Events.Where(item => fits is null || fits(item))];
        await Eventually.ThatAsync(() => Fitting().Count >= count, $"{count} events");
        return Fitting();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed class Callbacks(TopicApp app) : AppCallback.AppCallbackBase
    {
        public override Task<ListTopicSubscriptionsResponse> ListTopicSubscriptions(
            Empty request,
            ServerCallContext context
        ) => Task.FromResult(new ListTopicSubscriptionsResponse { Subscriptions = { app.Subscriptions } });

        public override Task<ListInputBindingsResponse> ListInputBindings(
            Empty request,
            ServerCallContext context
        ) => Task.FromResult(new ListInputBindingsResponse { Bindings = { app.Bindings } });

        public override Task<BindingEventResponse> OnBindingEvent(
            BindingEventRequest request,
            ServerCallContext context
        )
        {
            app._fired.Enqueue(request);
            return Task.FromResult(new BindingEventResponse());
        }

        public override async Task<TopicEventResponse> OnTopicEvent(
            TopicEventRequest request,
            ServerCallContext context
        )
        {
            app.LastHeaders = context.RequestHeaders;
            app._events.Enqueue(request);
            return new TopicEventResponse { Status = await app.Answer(request) };
        }
    }
}
