using Polly;
using Souk.Sidecar.Components;
using Souk.Sidecar.Redis;
using Souk.Sidecar.State;

namespace Souk.Sidecar.Locks;

internal enum UnlockResult
{
    Released,
    Missing,
    HeldByAnother,
}

/// <summary><c>lock.redis</c>: a key that expires, holding its owner's name.</summary>
internal sealed class RedisLock(
    ComponentSpec spec,
    RedisClient redis,
    ResiliencePipeline<RespValue>? policy = null
)
{
    private readonly ResiliencePipeline<RespValue> _policy = policy ?? ResiliencePipeline<RespValue>.Empty;

    // Returns 1 released, -1 missing, -2 another owner's.
    private static readonly LuaScript Unlock = new(
        """
        local owner = redis.call('GET', KEYS[1])
        if not owner then
          return -1
        end
        if owner ~= ARGV[1] then
          return -2
        end
        redis.call('DEL', KEYS[1])
        return 1
        """
    );

    private readonly KeyPrefix _keys = KeyPrefix.Of(spec);

    public ComponentSpec Spec => spec;

    /// <summary>
    /// The same under the outbound policy of its component. An attempt that failed may have locked all the
    /// same; the next one then finds the lock held.
    /// </summary>
    public RedisLock Under(TargetPolicy given) => new(spec, redis, given.ForComponent<RespValue>());

    public async Task<bool> TryLockAsync(
        string resource,
        string owner,
        int expirySeconds,
        CancellationToken cancellation
    )
    {
        var reply = await _policy.ExecuteAsync(
            async token =>
                await redis.ExecuteAsync(["SET", resource, owner, "NX", "EX", expirySeconds], token),
            cancellation
        );
        return !reply.IsNull;
    }

    public async Task<UnlockResult> UnlockAsync(string resource, string owner, CancellationToken cancellation)
    {
        var reply = await _policy.ExecuteAsync(
            async token => await redis.EvaluateAsync(Unlock, [resource], [owner], token),
            cancellation
        );
        return reply.Integer switch
        {
            1 => UnlockResult.Released,
            -1 => UnlockResult.Missing,
            _ => UnlockResult.HeldByAnother,
        };
    }

    /// <summary>The stored key of an app's resource.</summary>
    public string KeyOf(SidecarApp app, string resource) =>
        "lock" + KeyPrefix.Separator + _keys.ToStored(app, resource);
}
