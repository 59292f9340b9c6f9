using Souk.Sidecar.Cel;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.PubSub;

/// <summary>Who asked for a subscription.</summary>
internal enum SubscriptionOrigin
{
    /// <summary>The app, when its sidecar asked it.</summary>
    Programmatic,

    /// <summary>A Subscription resource.</summary>
    Declared,

    /// <summary>The app, by a stream that it opened.</summary>
    Stream,
}

/// <summary>Events for which the expression holds go to the path; without one it always holds.</summary>
internal sealed record TopicRule(CelExpression? Match, string Path)
{
    /// <summary>Throws FormatException when the expression is none.</summary>
    public static TopicRule Parse(string match, string path) =>
        new(match.Length == 0 ? null : CelExpression.Parse(match), path);

    public bool IsSameAs(TopicRule other) => Match?.Text == other.Match?.Text && Path == other.Path;
}

/// <summary>How an app wants its events in bulk.</summary>
internal sealed record BulkSettings(int MessagesMax, TimeSpan WaitMax)
{
    private const int DefaultMessages = 100;
    private const int DefaultWaitMs = 1000;

    /// <summary>Zero stands for the defaults.</summary>
    public static BulkSettings Of(int messagesMax, int waitMaxMs) =>
        new(
            messagesMax > 0 ? messagesMax : DefaultMessages,
            TimeSpan.FromMilliseconds(waitMaxMs > 0 ? waitMaxMs : DefaultWaitMs)
        );
}

/// <summary>One topic that an app wants, and where in the app its events go.</summary>
/// <param name="Path">For events that no rule wants; null to drop them.</param>
internal sealed record TopicRoute(string PubSubName, string Topic, string? Path)
{
    public static readonly IReadOnlyDictionary<string, string> NoMetadata = new Dictionary<string, string>(
        StringComparer.Ordinal
    );

    public IReadOnlyList<TopicRule> Rules { get; init; } = [];

    /// <summary>Empty for none.</summary>
    public string DeadLetterTopic { get; init; } = "";

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = NoMetadata;

    /// <summary>Null for one event at a time.</summary>
    public BulkSettings? Bulk { get; init; }

    public SubscriptionOrigin Origin { get; init; }

    /// <summary>
    /// The broker's bytes are handed to the app as they are, not unwrapped. Dapr's JavaScript SDK puts the
    /// values of a gRPC app's metadata in quotes.
    /// </summary>
    public bool IsRaw =>
        Metadata.TryGetValue("rawPayload", out var raw)
        && GoValues.TryBool(raw.Trim('"'), out var isRaw)
        && isRaw;

    /// <summary>The path for an event: of the first rule that wants it. Null when nobody does.</summary>
    public string? PathOf(ReceivedEvent received)
    {
        if (Rules.Count == 0)
            return Path;
        var scope = CelScope.Of("event", received.Envelope);
        return Rules.FirstOrDefault(rule => rule.Match?.Holds(scope) ?? true)?.Path ?? Path;
    }

    public bool IsSameAs(TopicRoute other) =>
        PubSubName == other.PubSubName
        && Topic == other.Topic
        && Path == other.Path
        && Bulk == other.Bulk
        && Origin == other.Origin
        && DeadLetterTopic == other.DeadLetterTopic
        && Rules.Count == other.Rules.Count
        && Rules.Zip(other.Rules).All(pair => pair.First.IsSameAs(pair.Second))
        && Metadata.Count == other.Metadata.Count
        && Metadata.All(pair => other.Metadata.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
