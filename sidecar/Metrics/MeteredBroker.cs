using System.Diagnostics;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.Metrics;

/// <summary>A broker as one app uses it, counted; what its subscriptions have before them is asked at a
/// scrape.</summary>
internal sealed class MeteredBroker(IBroker broker, string name, AppMetrics metrics) : IBroker
{
    public int Concurrency => broker.Concurrency;

    public async Task PublishAsync(
        string topic,
        ReadOnlyMemory<byte> data,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        var succeeded = false;
        try
        {
            await broker.PublishAsync(topic, data, metadata, cancellation);
            succeeded = true;
        }
        finally
        {
            metrics.Published(name, topic, succeeded);
        }
    }

    public ISubscription Subscribe(string topic, string group, MessageHandler handler)
    {
        metrics.Watch(name, topic, cancellation => broker.BacklogAsync(topic, group, cancellation));
        return new Subscription(
            broker.Subscribe(topic, group, CountAsync),
            () => metrics.Unwatch(name, topic)
        );

        async Task<Handled> CountAsync(BrokerMessage message, Ending ending)
        {
            var started = Stopwatch.GetTimestamp();
            Handled? handled = null;
            try
            {
                handled = await handler(message, ending);
                return handled.Value;
            }
            finally
            {
                metrics.Delivered(name, topic, handled, started);
            }
        }
    }

    public Task<Backlog?> BacklogAsync(string topic, string group, CancellationToken cancellation) =>
        broker.BacklogAsync(topic, group, cancellation);

    // The broker belongs to all apps, and to none of them alone.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Subscription(ISubscription inner, Action ended) : ISubscription
    {
        public Task DrainAsync() => inner.DrainAsync();

        public ValueTask DisposeAsync()
        {
            ended();
            return inner.DisposeAsync();
        }
    }
}
