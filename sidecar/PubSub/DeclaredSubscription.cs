using Souk.Sidecar.Files;

namespace Souk.Sidecar.PubSub;

/// <summary>A Subscription resource and the apps that it is for.</summary>
internal sealed record DeclaredSubscription(TopicRoute Route, IReadOnlyList<string> Scopes)
{
    public static DeclaredSubscription Read(YamlMap document)
    {
        var spec = document.Map("spec") ?? throw document.Error("spec", "is required");
        var routes = spec.Map("routes");
        if (routes is not null && routes.Maps("rules").Count > 0)
            throw spec.Error("routes.rules", "are not supported by the local runtime; use routes.default");
        var path = routes?.Text("default") ?? spec.Text("route") ?? "";
        var route = new TopicRoute(spec.Required("pubsubname"), spec.Required("topic"), path)
        {
            DeadLetterTopic = spec.Text("deadLetterTopic") ?? "",
            Metadata = spec.Map("metadata")?.AsTexts() ?? TopicRoute.NoMetadata,
            Declared = true,
        };
        return new DeclaredSubscription(route, document.Texts("scopes"));
    }

    public bool IsFor(string appId) => Scopes.Count == 0 || Scopes.Contains(appId);
}
