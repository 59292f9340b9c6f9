using Souk.Gateway.Caching;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>X-17: cache.invalidate reaches the gateway's memory.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ChangeFeedTests
{
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private GatewayHarness _gateway = null!;

    [SetUp]
    public async Task Start()
    {
        _gateway = await GatewayHarness.StartAsync(clock: _clock, hearsOfChanges: true);
        await Eventually.ThatAsync(() => _gateway.Changes.Subscription is not null);
    }

    [TearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    [Description("X-17")]
    public async Task CacheInvalidate_NamesAThing_ItsReplyIsFetchedAnew()
    {
        Assert.That(_gateway.Changes.Subscription!.Topic, Is.EqualTo("cache.invalidate"));
        Assert.That(_gateway.Changes.Subscription.PubsubName, Is.EqualTo("pubsub"));
        // Until the feed said that it hears, a reply is kept for a short time only; wait for that.
        await Eventually.ThatAsync(() => _gateway.Part<OutputCache>().HearsOfChanges);
        await GetAsync();
        _gateway.Traffic.Write();
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.That((await GetAsync()).Body, Does.Contain("version 0"));
        var verdict = await _gateway.Changes.PublishAsync("e1", """{"page_id":"1","version":"2"}""");
        Assert.That((verdict.Id, (int)verdict.Status.Status), Is.EqualTo(("e1", 0)));
        Assert.That((await GetAsync()).Body, Does.Contain("version 1"));
    }

    [TestCase("not json")]
    [TestCase("[]")]
    [TestCase("""{"page_id":7}""")]
    [TestCase("""{"other_id":"1"}""")]
    [Description("X-17")]
    public async Task CacheInvalidate_UnreadableEvent_IsTakenAndChangesNothing(string data)
    {
        await GetAsync();
        var verdict = await _gateway.Changes.PublishAsync("e1", data);
        Assert.That((int)verdict.Status.Status, Is.Zero);
        await GetAsync();
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(1));
    }

    [Test]
    [Description("X-17")]
    public async Task CacheInvalidate_SubscriptionEnds_NothingOldIsTold()
    {
        await Eventually.ThatAsync(() => _gateway.Part<OutputCache>().HearsOfChanges);
        await GetAsync();
        _gateway.Changes.End();
        // It is deaf a moment before it has forgotten.
        var cache = _gateway.Part<OutputCache>();
        await Eventually.ThatAsync(() => !cache.HearsOfChanges && cache.Store.Bytes == 0);
        await GetAsync();
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(2), "what it kept may be of before a change");
        await HearsAgainAsync();
    }

    [Test]
    [Description("X-17")]
    public async Task CacheInvalidate_SidecarDiesWhileItIsAnswered_SubscribesAgain()
    {
        var cache = _gateway.Part<OutputCache>();
        await Eventually.ThatAsync(() => cache.HearsOfChanges);
        _gateway.Changes.Die();
        await Eventually.ThatAsync(() => !cache.HearsOfChanges);
        await HearsAgainAsync();
        Assert.That((await _gateway.Changes.PublishAsync("e2", "{}")).Id, Is.EqualTo("e2"));
    }

    // It comes back by itself, after a pause.
    private Task HearsAgainAsync() =>
        Eventually.ThatAsync(() =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            return _gateway.Part<OutputCache>().HearsOfChanges;
        });

    private Task<Answer> GetAsync() => _gateway.SendAsync("GET", "/api/v1/pages/1");
}
