using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Redis;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Reads one stream for one group. A message counts as under way from the moment it is read until it is
/// acknowledged; what is not acknowledged when this process dies is pending at the server and read again by
/// the next one.
/// </summary>
internal sealed partial class RedisStreamConsumer(
    RedisClient redis,
    RedisClient blocking,
    RedisStreamSettings settings,
    TimeProvider clock,
    ILogger logger
) : ISubscription
{
    public static readonly TimeSpan Block = TimeSpan.FromSeconds(5);

    private const int ReadMax = 100;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    // For what is processed but not yet acknowledged when a subscription ends.
    private static readonly TimeSpan AcknowledgeGrace = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _draining = new();
    private readonly CancellationTokenSource _cut = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly ConcurrentDictionary<string, Task> _underWay = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _room = new(settings.QueueDepth);
    private Task _reading = Task.CompletedTask;
    private Task _claiming = Task.CompletedTask;

    public required string Topic { get; init; }

    public required string Group { get; init; }

    public required StreamGroup Shared { get; init; }

    public required MessageHandler Handler { get; init; }

    public void Start()
    {
        _reading = Task.Run(() => RepeatAsync(ReadAsync));
        if (settings.RedeliverInterval > TimeSpan.Zero && settings.ProcessingTimeout > TimeSpan.Zero)
            _claiming = Task.Run(() => RepeatAsync(ClaimAsync));
    }

    public async Task DrainAsync()
    {
        await _draining.CancelAsync();
        // Also what the server hands out at this moment and nobody reads any more stays pending there.
        await blocking.DisposeAsync();
        await Task.WhenAll(_reading, _claiming);
        await Task.WhenAll(_underWay.Values);
    }

    public async ValueTask DisposeAsync()
    {
        await _draining.CancelAsync();
        await _cut.CancelAsync();
        _stopped.CancelAfter(AcknowledgeGrace);
        await DrainAsync();
        _room.Dispose();
        _stopped.Dispose();
    }

    // Runs a loop again after every failure, until this consumer stops: a reader that ends would leave a
    // topic mute.
    private async Task RepeatAsync(Func<CancellationToken, Task> loop)
    {
        var logged = false;
        while (!_draining.IsCancellationRequested)
        {
            var started = clock.GetTimestamp();
            try
            {
                await loop(_draining.Token);
            }
            catch (Exception) when (_draining.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // One line for each outage, not for each try.
                logged &= clock.GetElapsedTime(started) < Block;
                if (!logged)
                    LogInterrupted(logger, Topic, Group, e.Message);
                logged = true;
            }
            await Task.Delay(RetryDelay, clock);
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        await CreateGroupAsync(cancellation);
        while (true)
        {
            // What an earlier life of this consumer, a reader that ended or a broken connection left
            // unacknowledged comes first.
            var left = Shared.Left;
            var after = "0";
            while (await Shared.LookAsync(() => ReadAfterAsync(after, cancellation)) is { } last)
                after = last;
            while (left == Shared.Left)
                await ReadAfterAsync(">", cancellation);
        }
    }

    // Returns the id of the last message read, null when there was none.
    private async Task<string?> ReadAfterAsync(string after, CancellationToken cancellation)
    {
        var room = await TakeRoomAsync(cancellation);
        try
        {
            RedisArg[] command =
            [
                .. new RedisArg[] { "XREADGROUP", "GROUP", Group, Group, "COUNT", room },
                .. after == ">" ? new RedisArg[] { "BLOCK", (long)Block.TotalMilliseconds } : [],
                .. new RedisArg[] { "STREAMS", Topic, after },
            ];
            var reply = await blocking.ExecuteAsync(command, cancellation);
            if (reply.IsNull)
                return null;
            var entries = reply.Items[0].Items[1].Items;
            foreach (var entry in entries)
            {
                if (Begin(entry))
                    room--;
            }
            return entries.Length == 0 ? null : entries[^1].Items[0].Text;
        }
        finally
        {
            if (room > 0)
                _room.Release(room);
        }
    }

    private async Task<int> TakeRoomAsync(CancellationToken cancellation)
    {
        await _room.WaitAsync(cancellation);
        var room = 1;
        while (room < ReadMax && await _room.WaitAsync(TimeSpan.Zero, CancellationToken.None))
            room++;
        return room;
    }

    private async Task ClaimAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Task.Delay(settings.RedeliverInterval, clock, cancellation);
            var cursor = "0-0";
            do
            {
                cursor = await Shared.LookAsync(() => ClaimSomeAsync(cursor, cancellation));
            } while (cursor != "0-0");
        }
    }

    private async Task<string> ClaimSomeAsync(string cursor, CancellationToken cancellation)
    {
        var room = await TakeRoomAsync(cancellation);
        try
        {
            var idle = (long)settings.ProcessingTimeout.TotalMilliseconds;
            var reply = await redis.ExecuteAsync(
                ["XAUTOCLAIM", Topic, Group, Group, idle, cursor, "COUNT", room],
                cancellation
            );
            foreach (var entry in reply.Items[1].Items)
            {
                if (Begin(entry))
                    room--;
            }
            return reply.Items[0].Text;
        }
        finally
        {
            if (room > 0)
                _room.Release(room);
        }
    }

    // False when the message is under way already: long deliveries look abandoned to the server.
    private bool Begin(RespValue entry)
    {
        var id = entry.Items[0].Text;
        if (!Shared.TryBegin(id))
            return false;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _underWay[id] = started.Task;
        _ = HandleAsync(id, entry.Items[1], started);
        return true;
    }

    private async Task HandleAsync(string id, RespValue fields, TaskCompletionSource done)
    {
        await Task.Yield();
        var isLeft = false;
        try
        {
            // A pending message that was trimmed away has no fields any more.
            if (!fields.IsNull)
                await DeliverAsync(id, fields);
            await AcknowledgeAsync(id);
        }
        catch (OperationCanceledException) when (_draining.IsCancellationRequested)
        {
            LogLeft(logger, id, Topic, Group);
            isLeft = true;
        }
        finally
        {
            Shared.End(id, isLeft);
            _underWay.TryRemove(id, out _);
            _room.Release();
            done.SetResult();
        }
    }

    private async Task DeliverAsync(string id, RespValue fields)
    {
        try
        {
            await Handler(Read(id, fields), new Ending(_draining.Token, _cut.Token));
        }
        catch (Exception e) when (e is not OperationCanceledException || !_draining.IsCancellationRequested)
        {
            // Dapr acknowledges what the app refused for good; a resiliency policy decides when that is.
            LogLost(logger, id, Topic, Group, e.Message);
        }
    }

    private async Task AcknowledgeAsync(string id)
    {
        try
        {
            await redis.RepeatableAsync(["XACK", Topic, Group, id], _stopped.Token);
        }
        catch (Exception e)
            when (e is RedisConnectionException or RedisServerException or OperationCanceledException)
        {
            // Still pending at the server: it will be delivered once more, which is allowed.
            LogNotAcknowledged(logger, id, Topic, Group, e.Message);
        }
    }

    private async Task CreateGroupAsync(CancellationToken cancellation)
    {
        try
        {
            await blocking.ExecuteAsync(["XGROUP", "CREATE", Topic, Group, "0", "MKSTREAM"], cancellation);
        }
        catch (RedisServerException e) when (e.Is("BUSYGROUP"))
        {
            LogJoined(logger, Group, Topic);
        }
    }

    private static BrokerMessage Read(string id, RespValue fields)
    {
        var data = Array.Empty<byte>();
        var metadata = TopicRoute.NoMetadata;
        var items = fields.Items;
        for (var i = 0; i + 1 < items.Length; i += 2)
        {
            switch (items[i].Text)
            {
                case "data":
                    data = items[i + 1].Bytes;
                    break;
                case "metadata":
                    metadata =
                        JsonSerializer.Deserialize<Dictionary<string, string>>(items[i + 1].Bytes)
                        ?? TopicRoute.NoMetadata;
                    break;
                default:
                    break;
            }
        }
        return new BrokerMessage(id, data, metadata);
    }

    [LoggerMessage(LogLevel.Warning, "Reading {Topic} for {Group} interrupted, trying again: {Reason}")]
    private static partial void LogInterrupted(ILogger logger, string topic, string group, string reason);

    [LoggerMessage(
        LogLevel.Error,
        "Message {Id} on {Topic} was not processed by {Group} and is dropped: {Reason}"
    )]
    private static partial void LogLost(ILogger logger, string id, string topic, string group, string reason);

    [LoggerMessage(
        LogLevel.Warning,
        "Message {Id} on {Topic} for {Group} was processed but not acknowledged: {Reason}"
    )]
    private static partial void LogNotAcknowledged(
        ILogger logger,
        string id,
        string topic,
        string group,
        string reason
    );

    [LoggerMessage(LogLevel.Debug, "Message {Id} on {Topic} stays pending for {Group}")]
    private static partial void LogLeft(ILogger logger, string id, string topic, string group);

    [LoggerMessage(LogLevel.Debug, "Group {Group} of {Topic} was there already")]
    private static partial void LogJoined(ILogger logger, string group, string topic);
}
