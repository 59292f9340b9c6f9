using Google.Protobuf;

namespace Souk.Shared;

/// <summary>What a handler knows about the event beside its message.</summary>
/// <param name="Tx">The transaction that holds the effect and the inbox row. Commits when the handler
/// returns.</param>
public sealed record EventContext(
    string EventId,
    string Topic,
    DbTransaction Tx,
    CancellationToken CancellationToken
);

/// <summary>The handlers of other services' events that one service has.</summary>
public interface IEventHandlers
{
    /// <summary>Says which handler takes which topic.</summary>
    void Subscribe(EventMap on);
}

/// <summary>
/// Topics and their typed handlers. A handler runs in a transaction that also records the event id, so a
/// redelivered event has no second effect.
/// </summary>
public sealed class EventMap
{
    private static readonly JsonParser Json = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private readonly Dictionary<(string Topic, string Type), EventHandler> _handlers = [];

    internal IEnumerable<string> Topics => _handlers.Keys.Select(key => key.Topic).Distinct();

    /// <summary>Handles the messages of one type on a topic.</summary>
    public EventMap On<T>(string topic, Func<T, EventContext, Task> handle)
        where T : class, IMessage<T>, new()
    {
        var descriptor = new T().Descriptor;
        _handlers.Add(
            (topic, descriptor.FullName),
            new EventHandler(
                json => (T)Json.Parse(json, descriptor),
                (message, context) => handle((T)message, context)
            )
        );
        return this;
    }

    // A topic may carry several types. An event that does not name its type belongs to the only handler there
    // is.
    internal EventHandler? Find(string topic, string type)
    {
        if (_handlers.TryGetValue((topic, type), out var exact))
            return exact;
        if (type is not ("" or "com.dapr.event.sent"))
            return null;
        var candidates = _handlers.Where(pair => pair.Key.Topic == topic).ToList();
        return candidates.Count == 1 ? candidates[0].Value : null;
    }

    internal sealed record EventHandler(
        Func<string, IMessage> Parse,
        Func<IMessage, EventContext, Task> Handle
    );
}
