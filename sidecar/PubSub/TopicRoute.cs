namespace Souk.Sidecar.PubSub;

/// <summary>One topic that an app wants, and where in the app its events go.</summary>
internal sealed record TopicRoute(string PubSubName, string Topic, string Path)
{
    public static readonly IReadOnlyDictionary<string, string> NoMetadata = new Dictionary<string, string>(
        StringComparer.Ordinal
    );

    /// <summary>Empty for none.</summary>
    public string DeadLetterTopic { get; init; } = "";

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = NoMetadata;

    /// <summary>From a resource file rather than from the app.</summary>
    public bool Declared { get; init; }

    /// <summary>The broker's bytes are handed to the app as they are, not unwrapped.</summary>
    public bool IsRaw =>
        Metadata.TryGetValue("rawPayload", out var raw) && bool.TryParse(raw, out var isRaw) && isRaw;

    public bool IsSameAs(TopicRoute other) =>
        PubSubName == other.PubSubName
        && Topic == other.Topic
        && Path == other.Path
        && DeadLetterTopic == other.DeadLetterTopic
        && Metadata.Count == other.Metadata.Count
        && Metadata.All(pair => other.Metadata.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
