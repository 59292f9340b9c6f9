using System.Globalization;
using Souk.Sidecar.Components;
using Souk.Sidecar.Redis;

namespace Souk.Sidecar.State;

/// <summary>
/// <c>state.redis</c>: a hash per key with <c>data</c> and a <c>version</c> that counts writes and serves as
/// etag. Each write is one script, so that check, write and expiry are one step.
/// </summary>
internal sealed class RedisStateStore(RedisClient redis, ComponentSpec spec, TimeProvider clock) : IStateStore
{
    // KEYS[1] key; ARGV 1 etag or 0, 2 data, 3 '1' for first-write, 4 seconds to live or 0. Returns the new
    // version, or 0 when the check failed. A value that is not a hash, left by somebody else, goes.
    private static readonly LuaScript Set = new(
        """
        local version = redis.pcall('HGET', KEYS[1], 'version')
        if type(version) == 'table' then
          redis.call('DEL', KEYS[1])
          version = false
        end
        if version and version ~= '' and version ~= ARGV[1] then
          local guarded = ARGV[3] == '1' or redis.call('HEXISTS', KEYS[1], 'first-write') == 1
          if guarded or ARGV[1] ~= '0' then
            return 0
          end
        end
        redis.call('HSET', KEYS[1], 'data', ARGV[2])
        if ARGV[3] == '1' then
          redis.call('HSET', KEYS[1], 'first-write', '0')
        end
        if tonumber(ARGV[4]) > 0 then
          redis.call('EXPIRE', KEYS[1], ARGV[4])
        else
          redis.call('PERSIST', KEYS[1])
        end
        return redis.call('HINCRBY', KEYS[1], 'version', 1)
        """
    );

    // KEYS[1] key; ARGV[1] etag or 0. Returns 1, or 0 when the check failed.
    private static readonly LuaScript Delete = new(
        """
        local version = redis.pcall('HGET', KEYS[1], 'version')
        if type(version) == 'table' then
          version = false
        end
        if ARGV[1] ~= '0' and version ~= ARGV[1] then
          return 0
        end
        redis.call('DEL', KEYS[1])
        return 1
        """
    );

    private readonly int _defaultTtlSeconds = spec.Whole("ttlInSeconds", 0);

    public IReadOnlyList<string> Capabilities { get; } = ["ETAG", "TRANSACTIONAL", "TTL"];

    public TimeSpan Timeout { get; } = TimeSpan.FromSeconds(5);

    public async Task<StateValue?> GetAsync(string key, CancellationToken cancellation)
    {
        var replies = await redis.ExecuteAsync(Reading(key), cancellation);
        return replies[0].IsError
            ? await ReadPlainAsync(key, replies[0], cancellation)
            : Value(replies[0], replies[1]);
    }

    public async Task<IReadOnlyDictionary<string, StateValue>> GetManyAsync(
        IReadOnlyCollection<string> keys,
        CancellationToken cancellation
    )
    {
        // Asked one by one but sent together: the connection is pipelined.
        var values = await Task.WhenAll(keys.Select(async key => (key, await GetAsync(key, cancellation))));
        var found = new Dictionary<string, StateValue>(StringComparer.Ordinal);
        foreach (var (key, value) in values)
        {
            if (value is not null)
                found[key] = value;
        }
        return found;
    }

    public async Task ApplyAsync(StateChange change, CancellationToken cancellation)
    {
        var (script, arguments) = Prepare(change);
        var reply = await redis.EvaluateAsync(script, [change.Key], arguments, cancellation);
        if (reply.Integer == 0)
            throw Refusal(change);
    }

    public async Task TransactAsync(IReadOnlyList<StateChange> changes, CancellationToken cancellation)
    {
        var commands = new List<RedisArg[]> { new RedisArg[] { "MULTI" } };
        foreach (var change in changes)
        {
            var (script, arguments) = Prepare(change);
            commands.Add(["EVAL", script.Text, 1, change.Key, .. arguments]);
        }
        commands.Add(["EXEC"]);
        var replies = await redis.ExecuteAsync([.. commands], cancellation);
        var results = replies[^1].OrThrow().Items;
        // As in Dapr, what the other operations of the transaction wrote stays written.
        for (var i = 0; i < results.Length; i++)
        {
            if (results[i].OrThrow().Integer == 0)
                throw Refusal(changes[i]);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static RedisArg[][] Reading(string key) =>
        [
            ["HMGET", key, "data", "version"],
            ["PTTL", key],
        ];

    private (LuaScript Script, RedisArg[] Arguments) Prepare(StateChange change)
    {
        var etag = change.Concurrency == Concurrency.LastWrite ? null : change.Etag;
        if (etag is not null && !ulong.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw new EtagInvalidException(etag);
        if (change.Value is not { } value)
            return (Delete, [etag ?? "0"]);
        var firstWrite = change.Concurrency == Concurrency.FirstWrite ? "1" : "0";
        var ttl = Math.Max(0, change.TtlSeconds ?? _defaultTtlSeconds);
        return (Set, [etag ?? "0", value, firstWrite, ttl]);
    }

    private static Exception Refusal(StateChange change) =>
        change.Etag is null || change.Concurrency == Concurrency.LastWrite
            ? new StateStoreException($"failed to set key {change.Key}: it exists already")
            : new EtagMismatchException(change.Key);

    private StateValue? Value(RespValue fields, RespValue ttl)
    {
        if (fields.Items[0].IsNull)
            return null;
        DateTimeOffset? expireTime =
            !ttl.IsError && ttl.Integer >= 0 ? clock.GetUtcNow().AddMilliseconds(ttl.Integer) : null;
        return new StateValue(fields.Items[0].Bytes, fields.Items[1].Text, expireTime);
    }

    // Keys that Dapr did not write are plain strings.
    private async Task<StateValue?> ReadPlainAsync(
        string key,
        RespValue error,
        CancellationToken cancellation
    )
    {
        if (!error.Text.StartsWith("WRONGTYPE", StringComparison.Ordinal))
            error.OrThrow();
        try
        {
            var reply = await redis.ExecuteAsync(["GET", key], cancellation);
            return reply.IsNull ? null : new StateValue(reply.Bytes, "", null);
        }
        catch (RedisServerException e) when (e.Is("WRONGTYPE"))
        {
            throw new StateStoreException(e.Message);
        }
    }
}
