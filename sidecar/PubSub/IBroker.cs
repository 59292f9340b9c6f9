using Souk.Sidecar.Metrics;

namespace Souk.Sidecar.PubSub;

/// <summary>What a broker hands out: its own id, the bytes as published, its metadata.</summary>
internal sealed record BrokerMessage(string Id, byte[] Data, IReadOnlyDictionary<string, string> Metadata);

/// <summary>How a message was done with.</summary>
internal enum Handled
{
    /// <summary>The app has it.</summary>
    Success,

    /// <summary>Nobody wants it: the app said so, it came too late, or too often for nothing.</summary>
    Drop,
}

/// <summary>
/// How a subscription ends: first nothing new may begin, later what is under way is cut off.
/// </summary>
internal readonly record struct Ending(CancellationToken Draining, CancellationToken Cut) { }

/// <summary>
/// Handles one message. Returning acknowledges it; an exception leaves what follows to the broker; being
/// cancelled means that the subscription ends and the message must stay with the broker.
/// </summary>
internal delegate Task<Handled> MessageHandler(BrokerMessage message, Ending ending);

/// <summary>
/// A consumer's place at a broker. Disposing it cuts off what is under way, which stays with the broker.
/// </summary>
internal interface ISubscription : IAsyncDisposable
{
    /// <summary>
    /// Takes nothing more, gives back what has not begun, and returns when the rest is done with.
    /// </summary>
    Task DrainAsync();
}

/// <summary>A pub/sub component.</summary>
internal interface IBroker : IAsyncDisposable
{
    /// <summary>How many deliveries of one subscription may be under way at the same time.</summary>
    int Concurrency { get; }

    /// <summary>Returns once the broker keeps the message.</summary>
    Task PublishAsync(
        string topic,
        ReadOnlyMemory<byte> data,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    );

    /// <summary>Delivers a topic's messages to one consumer group until disposed.</summary>
    ISubscription Subscribe(string topic, string group, MessageHandler handler);

    /// <summary>What a group has before it; null when the broker does not tell.</summary>
    Task<Backlog?> BacklogAsync(string topic, string group, CancellationToken cancellation);
}
