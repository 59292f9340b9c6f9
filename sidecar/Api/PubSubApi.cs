using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Souk.Sidecar.Files;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.Api;

/// <summary>The trace that a published event continues.</summary>
internal readonly record struct TraceContext(string? Parent, string? State);

/// <summary>Publishing, whatever the caller speaks.</summary>
internal static class PubSubApi
{
    private const int ParallelismMax = 100;

    public static async Task PublishAsync(
        SidecarApp app,
        PublishEventRequest request,
        TraceContext trace,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.PubsubName, request.Topic);
        var draft = new EventDraft(request.PubsubName, request.Topic, request.Data.Memory)
        {
            ContentType = request.DataContentType,
            Source = app.AppId,
            Metadata = request.Metadata,
            TraceParent = trace.Parent,
            TraceState = trace.State,
        };
        var message = Envelope(app, draft, clock);
        try
        {
            await component.Broker.PublishAsync(request.Topic, message, request.Metadata, cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw DaprFault.Publish(app, request.PubsubName, request.Topic, e);
        }
    }

    /// <summary>Throws unless the app may publish to the topic.</summary>
    public static void CheckAddress(SidecarApp app, string pubSub, string topic) =>
        ComponentOf(app, pubSub, topic);

    /// <summary>Publishes all entries and hands back those that failed; the others are out.</summary>
    public static async Task<IReadOnlyList<BulkPublishResponseFailedEntry>> PublishBulkAsync(
        SidecarApp app,
        BulkPublishRequest request,
        TraceContext trace,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.PubsubName, request.Topic);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        if (request.Entries.Any(entry => entry.EntryId.Length == 0 || !ids.Add(entry.EntryId)))
            throw DaprFault.BulkEntryIds(app, request.PubsubName, request.Topic);
        var messages = request
            .Entries.Select(entry => (entry.EntryId, Draft: DraftOf(entry)))
            .Select(entry => (entry.EntryId, entry.Draft.Metadata, Bytes: Envelope(app, entry.Draft, clock)))
            .ToArray();

        var failed = new List<BulkPublishResponseFailedEntry>();
        foreach (var chunk in messages.Chunk(ParallelismMax))
        {
            var results = await Task.WhenAll(
                chunk.Select(message => TryPublishAsync(message.EntryId, message.Bytes, message.Metadata))
            );
            failed.AddRange(results.OfType<BulkPublishResponseFailedEntry>());
        }
        return failed;

        EventDraft DraftOf(BulkPublishRequestEntry entry)
        {
            var metadata = new Dictionary<string, string>(request.Metadata, StringComparer.Ordinal);
            foreach (var (name, value) in entry.Metadata)
                metadata[name] = value;
            return new EventDraft(request.PubsubName, request.Topic, entry.Event.Memory)
            {
                ContentType = entry.ContentType,
                Source = app.AppId,
                Metadata = metadata,
                TraceParent = trace.Parent,
                TraceState = trace.State,
            };
        }

        async Task<BulkPublishResponseFailedEntry?> TryPublishAsync(
            string id,
            byte[] message,
            IReadOnlyDictionary<string, string> metadata
        )
        {
            try
            {
                await component.Broker.PublishAsync(request.Topic, message, metadata, cancellation);
                return null;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                return new BulkPublishResponseFailedEntry { EntryId = id, Error = e.Message };
            }
        }
    }

    /// <summary>What a stream's first message asks for.</summary>
    public static (TopicRoute Route, PubSubComponent Component) RouteOf(
        SidecarApp app,
        SubscribeTopicEventsRequestAlpha1 first
    )
    {
        if (first.InitialRequest is not { } initial)
            throw DaprFault.Stream(app, "the first message must be the initial request");
        if (initial.PubsubName.Length == 0)
            throw DaprFault.Stream(app, "pubsubName is required");
        if (initial.Topic.Length == 0)
            throw DaprFault.Stream(app, "topic is required");
        var component =
            app.Components.PubSub(initial.PubsubName)
            ?? throw DaprFault.PubSubNotFound(app, initial.PubsubName);
        if (!component.Scopes.MaySubscribe(app.AppId, initial.Topic))
            throw DaprFault.TopicForbidden(app, initial.PubsubName, initial.Topic);
        var route = new TopicRoute(initial.PubsubName, initial.Topic, "/")
        {
            DeadLetterTopic = initial.DeadLetterTopic,
            Metadata = initial.Metadata,
            Origin = SubscriptionOrigin.Stream,
        };
        return (route, component);
    }

    private static PubSubComponent ComponentOf(SidecarApp app, string name, string topic)
    {
        if (app.Components.PubSubs.Count == 0)
            throw DaprFault.PubSubNotConfigured(app);
        if (name.Length == 0)
            throw DaprFault.PubSubNameEmpty(app);
        var component = app.Components.PubSub(name) ?? throw DaprFault.PubSubNotFound(app, name);
        if (topic.Length == 0)
            throw DaprFault.TopicEmpty(app, name);
        return component.Scopes.MayPublish(app.AppId, topic)
            ? component
            : throw DaprFault.TopicForbidden(app, name, topic);
    }

    private static byte[] Envelope(SidecarApp app, EventDraft draft, TimeProvider clock)
    {
        var raw = false;
        if (draft.Metadata.TryGetValue("rawPayload", out var text) && !GoValues.TryBool(text, out raw))
            throw DaprFault.PublishMetadata(app, draft.PubSubName, $"rawPayload is not a boolean: '{text}'");
        if (raw)
            return draft.Data.ToArray();
        try
        {
            return CloudEvents.Wrap(draft, clock);
        }
        catch (JsonException e)
        {
            throw DaprFault.CloudEvent(app, draft.PubSubName, e);
        }
    }
}
