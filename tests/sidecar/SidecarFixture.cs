using Souk.Sidecar.Redis;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Stops what a test started, the last first, and gives each test topics of its own.</summary>
internal abstract class SidecarFixture
{
    private readonly string _run = Guid.CreateVersion7().ToString("N");
    private readonly List<IAsyncDisposable> _started = [];
    private int _lastTopic;

    [TearDown]
    public async Task StopAll()
    {
        var started = Enumerable.Reverse(_started).ToArray();
        _started.Clear();
        foreach (var one in started)
            await one.DisposeAsync();
    }

    protected string Topic() => $"topic-{_run}-{Interlocked.Increment(ref _lastTopic)}";

    protected T Own<T>(T started)
        where T : IAsyncDisposable
    {
        _started.Add(started);
        return started;
    }

    /// <summary>
    /// Waits until a group has acknowledged all it took: an app that has an event may not have answered yet.
    /// </summary>
    protected static Task SettledAsync(string topic, string group) =>
        Eventually.ThatAsync(
            async () => (await RedisAsync("XPENDING", topic, group)).Items[0].Integer == 0,
            $"{group} to acknowledge all of {topic}"
        );

    /// <summary>Asks the tests' Redis itself.</summary>
    protected static async Task<RespValue> RedisAsync(params RedisArg[] command)
    {
        var address = Backends.Redis.Split(':');
        var options = new RedisOptions(address[0], int.Parse(address[1], null));
        await using var redis = new RedisClient(options, options.ReadTimeout, TimeProvider.System);
        return await redis.ExecuteAsync(command, CancellationToken.None);
    }
}
