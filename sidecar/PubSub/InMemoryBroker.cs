using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Metrics;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// <c>pubsub.in-memory</c>: for tests. Nothing is kept; a message that a handler refuses is gone.
/// </summary>
internal sealed partial class InMemoryBroker(ILogger<InMemoryBroker> logger) : IBroker
{
    private readonly ConcurrentDictionary<Subscription, byte> _subscriptions = new();
    private long _lastId;

    public int Concurrency => 10;

    public Task PublishAsync(
        string topic,
        ReadOnlyMemory<byte> data,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        var number = Interlocked.Increment(ref _lastId);
        var id = number.ToString(CultureInfo.InvariantCulture);
        var message = new BrokerMessage(id, data.ToArray(), metadata);
        // One of each group gets it, each in turn.
        foreach (
            var group in _subscriptions.Keys.Where(item => item.Topic == topic).GroupBy(item => item.Group)
        )
        {
            var members = group.ToArray();
            _ = HandleAsync(members[number % members.Length], message);
        }
        return Task.CompletedTask;
    }

    public Task<Backlog?> BacklogAsync(string topic, string group, CancellationToken cancellation) =>
        Task.FromResult<Backlog?>(null);

    public IAsyncDisposable Subscribe(string topic, string group, MessageHandler handler)
    {
        var subscription = new Subscription(this, topic, group, handler);
        _subscriptions[subscription] = 0;
        return subscription;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task HandleAsync(Subscription subscription, BrokerMessage message)
    {
        await Task.Yield();
        try
        {
            await subscription.Handler(message, subscription.Cancellation.Token);
        }
        catch (Exception e)
        {
            LogLost(logger, subscription.Topic, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Message on {Topic} lost: {Reason}")]
    private static partial void LogLost(ILogger logger, string topic, string reason);

    private sealed class Subscription(
        InMemoryBroker broker,
        string topic,
        string group,
        MessageHandler handler
    ) : IAsyncDisposable
    {
        public string Topic => topic;

        public string Group => group;

        public MessageHandler Handler => handler;

        public CancellationTokenSource Cancellation { get; } = new();

        public async ValueTask DisposeAsync()
        {
            broker._subscriptions.TryRemove(this, out _);
            await Cancellation.CancelAsync();
        }
    }
}
