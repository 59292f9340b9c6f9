using Souk.Sidecar.Files;

namespace Souk.Sidecar.PubSub;

/// <summary>A Subscription resource and the apps that it is for.</summary>
internal sealed record DeclaredSubscription(TopicRoute Route, IReadOnlyList<string> Scopes)
{
    public static DeclaredSubscription Read(YamlMap document)
    {
        var spec = document.Map("spec") ?? throw document.Error("spec", "is required");
        var routes = spec.Map("routes");
        var rules = (routes?.Maps("rules") ?? []).Select(ReadRule).ToArray();
        // A v1alpha1 subscription has a single route, a v2alpha1 one has routes.
        var path = routes?.Text("default") ?? spec.Text("route");
        var bulk = spec.Map("bulkSubscribe");
        var route = new TopicRoute(
            spec.Required("pubsubname"),
            spec.Required("topic"),
            rules.Length > 0 ? path : path ?? ""
        )
        {
            Rules = rules,
            DeadLetterTopic = spec.Text("deadLetterTopic") ?? "",
            Metadata = spec.Map("metadata")?.AsTexts() ?? TopicRoute.NoMetadata,
            Bulk =
                bulk?.Flag("enabled") == true
                    ? BulkSettings.Of(
                        bulk.Whole("maxMessagesCount", 0, int.MaxValue) ?? 0,
                        bulk.Whole("maxAwaitDurationMs", 0, int.MaxValue) ?? 0
                    )
                    : null,
            Origin = SubscriptionOrigin.Declared,
        };
        return new DeclaredSubscription(route, document.Texts("scopes"));
    }

    public bool IsFor(string appId) => Scopes.Count == 0 || Scopes.Contains(appId);

    private static TopicRule ReadRule(YamlMap rule)
    {
        try
        {
            return TopicRule.Parse(rule.Text("match") ?? "", rule.Required("path"));
        }
        catch (FormatException e)
        {
            throw rule.Error("match", e.Message);
        }
    }
}
