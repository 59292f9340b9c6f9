using Polly;
using Souk.Sidecar.Components;
using Souk.Sidecar.Metrics;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// A broker whose publishing is under the outbound policy of its component. An attempt that failed may have
/// reached the broker all the same: with retries an event can be published twice.
/// </summary>
internal sealed class ResilientBroker(IBroker inner, TargetPolicy policy) : IBroker
{
    private readonly ResiliencePipeline<bool> _publish = policy.ForComponent<bool>();

    public int Concurrency => inner.Concurrency;

    public async Task PublishAsync(
        string topic,
        ReadOnlyMemory<byte> data,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    ) =>
        await _publish.ExecuteAsync(
            async token =>
            {
                await inner.PublishAsync(topic, data, metadata, token);
                return true;
            },
            cancellation
        );

    public ISubscription Subscribe(string topic, string group, MessageHandler handler) =>
        inner.Subscribe(topic, group, handler);

    public Task<Backlog?> BacklogAsync(string topic, string group, CancellationToken cancellation) =>
        inner.BacklogAsync(topic, group, cancellation);

    // The broker itself belongs to the component set, which other apps share.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
