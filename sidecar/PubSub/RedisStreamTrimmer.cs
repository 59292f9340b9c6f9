using System.Globalization;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Redis;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Cuts off a stream what every group has acknowledged, so that streams stay small without a length limit
/// that could cut off what a stopped app has yet to read.
/// </summary>
internal sealed partial class RedisStreamTrimmer : IAsyncDisposable
{
    private readonly RedisClient _redis;
    private readonly string _topic;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    public RedisStreamTrimmer(
        RedisClient redis,
        string topic,
        TimeSpan interval,
        TimeProvider clock,
        ILogger logger
    )
    {
        _redis = redis;
        _topic = topic;
        _interval = interval;
        _clock = clock;
        _logger = logger;
        _running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            try
            {
                await Task.Delay(_interval, _clock, _stopping.Token);
                await TrimAsync(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is RedisServerException or RedisConnectionException)
            {
                LogSkipped(_logger, _topic, e.Message);
            }
        }
    }

    private async Task TrimAsync(CancellationToken cancellation)
    {
        var groups = await _redis.ExecuteAsync(["XINFO", "GROUPS", _topic], cancellation);
        (ulong, ulong)? oldestNeeded = null;
        foreach (var group in groups.Items)
        {
            var facts = new Dictionary<string, RespValue>(StringComparer.Ordinal);
            for (var i = 0; i + 1 < group.Items.Length; i += 2)
                facts[group.Items[i].Text] = group.Items[i + 1];
            var needed = PositionOf(facts["last-delivered-id"].Text);
            if (facts["pending"].Integer > 0)
            {
                var pending = await _redis.ExecuteAsync(
                    ["XPENDING", _topic, facts["name"].Bytes],
                    cancellation
                );
                if (!pending.Items[1].IsNull)
                    needed = PositionOf(pending.Items[1].Text);
            }
            if (oldestNeeded is null || needed.CompareTo(oldestNeeded.Value) < 0)
                oldestNeeded = needed;
        }
        if (oldestNeeded is var (milliseconds, sequence))
            await _redis.ExecuteAsync(
                ["XTRIM", _topic, "MINID", "~", $"{milliseconds}-{sequence}"],
                cancellation
            );
    }

    // Ids are two numbers, milliseconds and sequence; as text they would not sort.
    private static (ulong Milliseconds, ulong Sequence) PositionOf(string id)
    {
        var dash = id.IndexOf('-', StringComparison.Ordinal);
        return (
            ulong.Parse(id.AsSpan(0, dash), CultureInfo.InvariantCulture),
            ulong.Parse(id.AsSpan(dash + 1), CultureInfo.InvariantCulture)
        );
    }

    [LoggerMessage(LogLevel.Debug, "Trimming {Topic} skipped: {Reason}")]
    private static partial void LogSkipped(ILogger logger, string topic, string reason);
}
