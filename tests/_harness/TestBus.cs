using System.Collections.Concurrent;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Shared;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Harness;

/// <summary>
/// Carries events between the processes under test, at once and in order, as a sidecar would deliver them.
/// </summary>
internal sealed class TestBus(TestRoutes routes) : IEventBus
{
    private const int DeliveriesMax = 3;
    private static readonly JsonParser Json = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private readonly ConcurrentQueue<OutboxEvent> _published = new();
    private readonly ConcurrentQueue<(string AppId, OutboxEvent Event)> _dead = new();
    private readonly ConcurrentDictionary<string, AppCallback.AppCallbackClient> _apps = new();

    /// <summary>When true, the broker refuses everything.</summary>
    internal bool IsDown { get; set; }

    /// <summary>The one topic that the broker refuses.</summary>
    internal string? RefusedTopic { get; set; }

    /// <summary>Everything published so far.</summary>
    internal IReadOnlyCollection<OutboxEvent> Published => _published;

    /// <summary>What a subscriber dropped or kept failing on.</summary>
    internal IReadOnlyCollection<(string AppId, OutboxEvent Event)> DeadLetters => _dead;

    internal void Add(string appId) => _apps[appId] = new AppCallback.AppCallbackClient(routes.To(appId));

    /// <summary>The messages published on a topic.</summary>
    internal IReadOnlyList<T> On<T>(string topic)
        where T : class, IMessage<T>, new() =>
        [
            .. _published
                .Where(published => published.Topic == topic)
                .Select(published => Json.Parse<T>(published.Data)),
        ];

    public async Task PublishAsync(string topic, IReadOnlyList<OutboxEvent> events, CancellationToken token)
    {
        if (IsDown || topic == RefusedTopic)
            throw new RpcException(new Status(StatusCode.Unavailable, "the broker is down"));
        foreach (var published in events)
        {
            _published.Enqueue(published);
            foreach (var (appId, app) in _apps)
                await DeliverAsync(appId, app, published, token);
        }
    }

    /// <summary>Delivers an event to one app, whether or not it was delivered before.</summary>
    internal async Task<Verdict> DeliverAsync(
        string appId,
        OutboxEvent published,
        CancellationToken token = default
    ) => await DeliverAsync(appId, _apps[appId], published, token);

    private async Task<Verdict> DeliverAsync(
        string appId,
        AppCallback.AppCallbackClient app,
        OutboxEvent published,
        CancellationToken token
    )
    {
        var subscriptions = await app.ListTopicSubscriptionsAsync(new Empty(), cancellationToken: token);
        if (subscriptions.Subscriptions.All(subscription => subscription.Topic != published.Topic))
            return Verdict.Success;
        var request = new TopicEventRequest
        {
            Id = published.Id.ToString(),
            Type = published.Type,
            Topic = published.Topic,
            Data = ByteString.CopyFromUtf8(published.Data),
            DataContentType = "application/json",
            PubsubName = "pubsub",
        };
        var verdict = Verdict.Retry;
        for (var delivery = 0; verdict == Verdict.Retry && delivery < DeliveriesMax; delivery++)
            verdict = (await app.OnTopicEventAsync(request, cancellationToken: token)).Status;
        if (verdict != Verdict.Success)
            _dead.Enqueue((appId, published));
        return verdict;
    }
}
