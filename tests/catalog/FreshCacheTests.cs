using Souk.Catalog;
using Souk.Tests.Harness;

namespace Souk.Tests.Catalog;

[Parallelizable(ParallelScope.All)]
internal sealed class FreshCacheTests
{
    private readonly ManualTimeProvider _clock = new();

    [Test, Description("X-16")]
    public async Task Get_ManyAtOnce_ReadsOnce()
    {
        var gate = new TaskCompletionSource();
        var source = new Source(gate.Task);
        var cache = Cache();

        var waiting = Enumerable
            .Range(0, 100)
            .Select(_ => cache.GetAsync("key", source.ReadAsync, CancellationToken.None).AsTask())
            .ToList();
        gate.SetResult();

        Assert.That(await Task.WhenAll(waiting), Is.All.EqualTo("key 1"));
        Assert.That(source.Readings, Is.EqualTo(1));
    }

    [Test, Description("X-17")]
    public async Task Get_AfterItsLifetime_ReadsAgain()
    {
        var source = new Source();
        var cache = Cache();
        Assert.That(await Get(cache, source), Is.EqualTo("key 1"));
        _clock.Advance(TimeSpan.FromMilliseconds(4999));
        Assert.That(await Get(cache, source), Is.EqualTo("key 1"));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(await Get(cache, source), Is.EqualTo("key 2"));
    }

    [Test, Description("X-17")]
    public async Task Get_SlowReading_AgesFromItsBeginning()
    {
        var gate = new TaskCompletionSource();
        var source = new Source(gate.Task);
        var cache = Cache();
        var reading = cache.GetAsync("key", source.ReadAsync, CancellationToken.None);
        _clock.Advance(TimeSpan.FromSeconds(5));
        gate.SetResult();
        Assert.That(await reading, Is.EqualTo("key 1"));
        Assert.That(await Get(cache, source), Is.EqualTo("key 2"));
    }

    [Test, Description("X-17")]
    public async Task Forget_WhileReading_KeepsNothingOfIt()
    {
        var gate = new TaskCompletionSource();
        var source = new Source(gate.Task);
        var cache = Cache();
        var reading = cache.GetAsync("key", source.ReadAsync, CancellationToken.None);
        cache.Forget("key");
        gate.SetResult();
        Assert.That(await reading, Is.EqualTo("key 1"));
        Assert.That(await Get(cache, source), Is.EqualTo("key 2"));
    }

    [Test]
    public async Task GetMany_SomeKnown_ReadsTheOthersTogether()
    {
        var source = new Source();
        var cache = Cache();
        await Get(cache, source);

        var found = await cache.GetManyAsync(
            ["a", "key", "b", "none", "a"],
            source.ReadAsync,
            CancellationToken.None
        );

        Assert.That(found.Keys, Is.EquivalentTo(new[] { "a", "b", "key" }));
        Assert.That(source.Asked.Last(), Is.EqualTo(new[] { "a", "b", "none" }));
        Assert.That((cache.Hits, cache.Misses), Is.EqualTo((1, 4)));
    }

    [Test]
    public async Task Get_ReadingFails_FailsForAllAndIsTriedAgain()
    {
        var cache = Cache();
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await cache.GetAsync("key", _ => throw new InvalidOperationException(), CancellationToken.None)
        );
        Assert.That(await Get(cache, new Source()), Is.EqualTo("key 1"));
    }

    [Test]
    public async Task Get_FirstCallerLeaves_OthersStillGetTheValue()
    {
        var gate = new TaskCompletionSource();
        var source = new Source(gate.Task);
        var cache = Cache();
        using var leaving = new CancellationTokenSource();
        var first = cache.GetAsync("key", source.ReadAsync, leaving.Token).AsTask();
        var second = cache.GetAsync("key", source.ReadAsync, CancellationToken.None);
        await leaving.CancelAsync();
        gate.SetResult();
        Assert.That(await second, Is.EqualTo("key 1"));
        Assert.That(async () => await first, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(source.Readings, Is.EqualTo(1));
    }

    private FreshCache<string, string> Cache() => new(100, TimeSpan.FromSeconds(5), _clock);

    private static async Task<string?> Get(FreshCache<string, string> cache, Source source) =>
        await cache.GetAsync("key", source.ReadAsync, CancellationToken.None);

    /// <summary>Gives each key its name and the number of the reading; "none" does not exist.</summary>
    private sealed class Source(Task? gate = null)
    {
        private int _readings;

        internal int Readings => _readings;

        internal List<IReadOnlyList<string>> Asked { get; } = [];

        internal async Task<IReadOnlyDictionary<string, string>> ReadAsync(IReadOnlyList<string> keys)
        {
            var reading = Interlocked.Increment(ref _readings);
            Asked.Add(keys);
            await (gate ?? Task.CompletedTask);
            return keys.Where(key => key != "none").ToDictionary(key => key, key => $"{key} {reading}");
        }
    }
}
