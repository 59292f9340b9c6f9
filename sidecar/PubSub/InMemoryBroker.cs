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
    private readonly ILogger _logger = logger;
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
            members[number % members.Length].Take(message);
        }
        return Task.CompletedTask;
    }

    public Task<Backlog?> BacklogAsync(string topic, string group, CancellationToken cancellation) =>
        Task.FromResult<Backlog?>(null);

    public ISubscription Subscribe(string topic, string group, MessageHandler handler)
    {
        var subscription = new Subscription(this, topic, group, handler);
        _subscriptions[subscription] = 0;
        return subscription;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "Message on {Topic} lost: {Reason}")]
    private static partial void LogLost(ILogger logger, string topic, string reason);

    private sealed class Subscription(
        InMemoryBroker broker,
        string topic,
        string group,
        MessageHandler handler
    ) : ISubscription
    {
        private readonly CancellationTokenSource _draining = new();
        private readonly CancellationTokenSource _cut = new();
        private readonly ConcurrentDictionary<string, Task> _underWay = new(StringComparer.Ordinal);

        public string Topic => topic;

        public string Group => group;

        public void Take(BrokerMessage message)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _underWay[message.Id] = done.Task;
            _ = HandleAsync(message, done);
        }

        public async Task DrainAsync()
        {
            broker._subscriptions.TryRemove(this, out _);
            await _draining.CancelAsync();
            await Task.WhenAll(_underWay.Values);
        }

        public async ValueTask DisposeAsync()
        {
            broker._subscriptions.TryRemove(this, out _);
            await _draining.CancelAsync();
            await _cut.CancelAsync();
        }

        private async Task HandleAsync(BrokerMessage message, TaskCompletionSource done)
        {
            await Task.Yield();
            try
            {
                await handler(message, new Ending(_draining.Token, _cut.Token));
            }
            catch (Exception e)
            {
                LogLost(broker._logger, topic, e.Message);
            }
            finally
            {
                _underWay.TryRemove(message.Id, out _);
                done.SetResult();
            }
        }
    }
}
