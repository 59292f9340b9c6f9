using Souk.Sidecar.Components;

namespace Souk.Sidecar.PubSub;

/// <summary>Which app may use which topic of a pub/sub component.</summary>
internal sealed class TopicScopes
{
    private readonly Dictionary<string, HashSet<string>> _publishing;
    private readonly Dictionary<string, HashSet<string>> _subscribing;
    private readonly HashSet<string> _allowed;
    private readonly HashSet<string> _protected;

    public TopicScopes(ComponentSpec spec)
    {
        _publishing = ByApp(spec.Text("publishingScopes"));
        _subscribing = ByApp(spec.Text("subscriptionScopes"));
        _allowed = Topics(spec.Text("allowedTopics") ?? "");
        _protected = Topics(spec.Text("protectedTopics") ?? "");
    }

    public bool MayPublish(string appId, string topic) => IsAllowed(_publishing, appId, topic);

    public bool MaySubscribe(string appId, string topic) => IsAllowed(_subscribing, appId, topic);

    private bool IsAllowed(Dictionary<string, HashSet<string>> scopes, string appId, string topic)
    {
        if (_allowed.Count > 0 && !_allowed.Contains(topic))
            return false;
        // An app that is not listed may use everything but what is protected; a listed one only what it
        // lists.
        return scopes.TryGetValue(appId, out var topics)
            ? topics.Contains(topic)
            : !_protected.Contains(topic);
    }

    // "app1=topicA,topicB;app2="
    private static Dictionary<string, HashSet<string>> ByApp(string? text)
    {
        var byApp = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var part in (text ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            byApp[pair[0]] = Topics(pair.Length == 2 ? pair[1] : "");
        }
        return byApp;
    }

    private static HashSet<string> Topics(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}
