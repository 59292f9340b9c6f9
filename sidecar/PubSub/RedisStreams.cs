using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Components;
using Souk.Sidecar.Metrics;
using Souk.Sidecar.Redis;

namespace Souk.Sidecar.PubSub;

/// <summary>How <c>pubsub.redis</c> reads and keeps its streams.</summary>
internal sealed record RedisStreamSettings
{
    public int Concurrency { get; init; }

    /// <summary>
    /// Messages of one subscription that may be taken from the stream and not yet acknowledged.
    /// </summary>
    public int QueueDepth { get; init; }

    /// <summary>A message that somebody took this long ago without acknowledging it is taken over.</summary>
    public TimeSpan ProcessingTimeout { get; init; }

    /// <summary>How often such messages are looked for; zero for never.</summary>
    public TimeSpan RedeliverInterval { get; init; }

    /// <summary>About how many messages a stream keeps; 0 for all.</summary>
    public int MaxLength { get; init; }

    /// <summary>How long a stream keeps its messages at most; zero for ever.</summary>
    public TimeSpan TimeToLive { get; init; }

    /// <summary>
    /// Not of Dapr: how often what every group has acknowledged is cut off the streams; zero for never.
    /// </summary>
    public TimeSpan TrimInterval { get; init; }

    public static RedisStreamSettings From(ComponentSpec spec)
    {
        var milliseconds = TimeSpan.FromMilliseconds(1);
        return new RedisStreamSettings
        {
            Concurrency = Math.Max(1, spec.Whole("concurrency", 10)),
            QueueDepth = Math.Max(1, spec.Whole("queueDepth", 100)),
            ProcessingTimeout = spec.Duration("processingTimeout", TimeSpan.FromSeconds(60), milliseconds),
            RedeliverInterval = spec.Duration("redeliverInterval", TimeSpan.FromSeconds(15), milliseconds),
            MaxLength = spec.Whole("maxLenApprox", 0),
            TimeToLive = spec.Duration("streamTTL", TimeSpan.Zero),
            TrimInterval = spec.Duration("trimAcknowledged", TimeSpan.Zero),
        };
    }
}

/// <summary><c>pubsub.redis</c>: a stream per topic, a consumer group per app.</summary>
internal sealed class RedisStreams(
    RedisClients clients,
    RedisOptions options,
    RedisStreamSettings settings,
    TimeProvider clock,
    ILogger<RedisStreams> logger
) : IBroker
{
    private readonly RedisClient _redis = clients.Shared(options);
    private readonly ConcurrentDictionary<string, RedisStreamTrimmer> _trimmers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Topic, string Group), StreamGroup> _groups = new();

    public int Concurrency => settings.Concurrency;

    public async Task PublishAsync(
        string topic,
        ReadOnlyMemory<byte> data,
        IReadOnlyDictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        var command = new List<RedisArg>(10) { "XADD", topic };
        if (settings.MaxLength > 0)
            command.AddRange(["MAXLEN", "~", settings.MaxLength]);
        else if (settings.TimeToLive > TimeSpan.Zero)
            command.AddRange([
                "MINID",
                "~",
                (clock.GetUtcNow() - settings.TimeToLive).ToUnixTimeMilliseconds(),
            ]);
        command.AddRange(["*", "data", data]);
        if (metadata.Count > 0)
            command.AddRange(["metadata", JsonSerializer.SerializeToUtf8Bytes(metadata)]);
        // Twice on the stream is allowed, not on it at all is not.
        await _redis.RepeatableAsync([.. command], cancellation);
    }

    public ISubscription Subscribe(string topic, string group, MessageHandler handler)
    {
        if (settings.TrimInterval > TimeSpan.Zero)
            _trimmers.GetOrAdd(
                topic,
                key => new RedisStreamTrimmer(_redis, key, settings.TrimInterval, clock, logger)
            );
        var blocking = clients.Blocking(options, RedisStreamConsumer.Block);
        var consumer = new RedisStreamConsumer(_redis, blocking, settings, clock, logger)
        {
            Topic = topic,
            Group = group,
            Shared = _groups.GetOrAdd((topic, group), _ => new StreamGroup()),
            Handler = handler,
        };
        consumer.Start();
        return consumer;
    }

    public async Task<Backlog?> BacklogAsync(string topic, string group, CancellationToken cancellation)
    {
        try
        {
            var groups = await _redis.ExecuteAsync(["XINFO", "GROUPS", topic], cancellation);
            foreach (var item in groups.Items)
            {
                var facts = new Dictionary<string, RespValue>(StringComparer.Ordinal);
                for (var i = 0; i + 1 < item.Items.Length; i += 2)
                    facts[item.Items[i].Text] = item.Items[i + 1];
                if (facts["name"].Text != group)
                    continue;
                // Redis tells the lag since version 7, and not after entries were deleted.
                long? lag = facts.TryGetValue("lag", out var known) && !known.IsNull ? known.Integer : null;
                return new Backlog(lag, facts["pending"].Integer);
            }
            return null;
        }
        catch (Exception e) when (e is RedisServerException or RedisConnectionException)
        {
            // A scrape tells what there is; that Redis is away shows elsewhere.
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var trimmer in _trimmers.Values)
            await trimmer.DisposeAsync();
    }
}
