using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Reads what an app says that it wants. A subscription that is not understood is logged and left out; the
/// others are made.
/// </summary>
internal sealed partial class ListedSubscriptions(string appId, ILogger logger)
{
    /// <summary>The answer to AppCallback.ListTopicSubscriptions.</summary>
    public List<TopicRoute> Read(ListTopicSubscriptionsResponse response) =>
        [
            .. response
                .Subscriptions.Select(item => TryRead(item.Topic, () => RouteOf(item)))
                .OfType<TopicRoute>(),
        ];

    /// <summary>The answer to GET /dapr/subscribe.</summary>
    public List<TopicRoute> Read(JsonElement response)
    {
        if (response.ValueKind == JsonValueKind.Array)
        {
            var routes = response
                .EnumerateArray()
                .Select(item => TryRead(Text(item, "topic"), () => RouteOf(item)));
            return [.. routes.OfType<TopicRoute>()];
        }
        if (response.ValueKind != JsonValueKind.Null)
            LogNoList(logger, appId);
        return [];
    }

    private TopicRoute? TryRead(string topic, Func<TopicRoute> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            LogRefused(logger, appId, topic, e.Message);
            return null;
        }
    }

    private static TopicRoute RouteOf(TopicSubscription subscription)
    {
        if (subscription.PubsubName.Length == 0 || subscription.Topic.Length == 0)
            throw new FormatException("pubsub name and topic are required");
        var routes = subscription.Routes ?? new TopicRoutes();
        // Without rules an empty path is one: gRPC apps have a single callback for all events.
        var path = routes.Rules.Count > 0 && routes.Default.Length == 0 ? null : routes.Default;
        return new TopicRoute(subscription.PubsubName, subscription.Topic, path)
        {
            Rules = [.. routes.Rules.Select(rule => TopicRule.Parse(rule.Match, rule.Path))],
            DeadLetterTopic = subscription.DeadLetterTopic,
            Metadata = subscription.Metadata,
            Bulk = subscription.BulkSubscribe is { Enabled: true } bulk
                ? BulkSettings.Of(bulk.MaxMessagesCount, bulk.MaxAwaitDurationMs)
                : null,
        };
    }

    // Both formats: "route" alone, or "routes" with rules and default.
    private static TopicRoute RouteOf(JsonElement subscription)
    {
        var (pubSub, topic) = (Text(subscription, "pubsubname"), Text(subscription, "topic"));
        if (pubSub.Length == 0 || topic.Length == 0)
            throw new FormatException("pubsubname and topic are required");
        var routes = GoJson.Member(subscription, "routes");
        var rules = routes is { } given ? RulesOf(given) : [];
        var path = Text(subscription, "route");
        if (routes is { } both && Text(both, "default") is { Length: > 0 } standard)
            path = standard;
        if (rules.Count == 0 && path.Length == 0)
            throw new FormatException("it has no route");
        return new TopicRoute(pubSub, topic, path.Length == 0 ? null : path)
        {
            Rules = rules,
            DeadLetterTopic = Text(subscription, "deadLetterTopic"),
            Metadata = MetadataOf(subscription),
            Bulk = BulkOf(subscription),
        };
    }

    private static List<TopicRule> RulesOf(JsonElement routes) =>
        GoJson.Member(routes, "rules") is { } rules
            ?
            [
                .. rules
                    .EnumerateArray()
                    .Select(rule => TopicRule.Parse(Text(rule, "match"), Text(rule, "path"))),
            ]
            : [];

    private static Dictionary<string, string> MetadataOf(JsonElement subscription)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        if (GoJson.Member(subscription, "metadata") is { } given)
        {
            foreach (var member in given.EnumerateObject())
                metadata[member.Name] = member.Value.ToString();
        }
        return metadata;
    }

    private static BulkSettings? BulkOf(JsonElement subscription)
    {
        if (GoJson.Member(subscription, "bulkSubscribe") is not { } bulk)
            return null;
        if (GoJson.Member(bulk, "enabled") is not { ValueKind: JsonValueKind.True })
            return null;
        return BulkSettings.Of(
            GoJson.Member(bulk, "maxMessagesCount")?.GetInt32() ?? 0,
            GoJson.Member(bulk, "maxAwaitDurationMs")?.GetInt32() ?? 0
        );
    }

    private static string Text(JsonElement element, string name) =>
        GoJson.Member(element, name)?.GetString() ?? "";

    [LoggerMessage(LogLevel.Error, "{App}: the subscription to '{Topic}' is left out: {Reason}")]
    private static partial void LogRefused(ILogger logger, string app, string topic, string reason);

    [LoggerMessage(LogLevel.Error, "{App} answered /dapr/subscribe with something that is not a list")]
    private static partial void LogNoList(ILogger logger, string app);
}
