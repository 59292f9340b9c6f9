using Souk.Sidecar.Metrics;

namespace Souk.Sidecar.PubSub;

/// <summary>A broker whose topics belong to one namespace: its name stands before each of theirs.</summary>
internal sealed class NamespacedBroker(IBroker inner, string space) : IBroker
{
    public int Concurrency => inner.Concurrency;

    public Task PublishAsync(
        string topic,
        ReadOnlyMemory<byte> data,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    ) => inner.PublishAsync(space + topic, data, metadata, cancellation);

    public ISubscription Subscribe(string topic, string group, MessageHandler handler) =>
        inner.Subscribe(space + topic, group, handler);

    public Task<Backlog?> BacklogAsync(string topic, string group, CancellationToken cancellation) =>
        inner.BacklogAsync(space + topic, group, cancellation);

    // The broker itself belongs to the component set, which other apps share.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
