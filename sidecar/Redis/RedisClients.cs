using System.Collections.Concurrent;

namespace Souk.Sidecar.Redis;

/// <summary>
/// One shared client per server for all apps and components, and clients of their own for blocking reads.
/// </summary>
internal sealed class RedisClients(TimeProvider clock) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<RedisOptions, RedisClient> _shared = new();

    public RedisClient Shared(RedisOptions options) =>
        _shared.GetOrAdd(options, key => new RedisClient(key, key.ReadTimeout, clock));

    /// <summary>A client for commands that wait at the server for up to <paramref name="block"/>.</summary>
    public RedisClient Blocking(RedisOptions options, TimeSpan block) =>
        new(options, block + options.ReadTimeout, clock);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _shared.Values)
            await client.DisposeAsync();
    }
}
