using Souk.Gateway.Security;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>X-07: who calls too often is told so, when to come back, and how much is left.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class RateTests
{
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    [Test]
    [Description("X-07")]
    public void Take_MoreThanTheQuota_IsRefusedUntilOneIsEarnedBack()
    {
        var limits = new RateLimits(new RatePolicy("test", 10, TimeSpan.FromSeconds(60)), _clock);
        for (var call = 1; call <= 10; call++)
            Assert.That(
                limits.Take("a"),
                Has.Property("IsAllowed").True.And.Property("Remaining").EqualTo(10 - call)
            );
        var refused = limits.Take("a");
        Assert.That(refused.IsAllowed, Is.False);
        Assert.That(refused.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(6)));
        Assert.That(refused.Reset, Is.EqualTo(TimeSpan.FromSeconds(60)));
        Assert.That(limits.Take("b").IsAllowed, "another key has its own quota");
        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.That(limits.Take("a").IsAllowed);
        Assert.That(limits.Take("a").IsAllowed, Is.False);
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.That(limits.Take("a").Remaining, Is.EqualTo(9), "no more than the quota is saved up");
    }

    [Test]
    [Description("X-07")]
    public void Take_MoreKeysThanThereIsRoomFor_ShareOneQuota()
    {
        var limits = new RateLimits(new RatePolicy("test", 2, TimeSpan.FromSeconds(60)), _clock);
        for (var key = 0; key < RateLimits.KeysMax; key++)
            limits.Take($"key {key}");
        Assert.That(limits.Count, Is.EqualTo(RateLimits.KeysMax));
        limits.Take("key 0");
        Assert.That(limits.Take("key 0").IsAllowed, Is.False, "whom it holds back it still knows");
        Assert.That(limits.Take("stranger 1").IsAllowed);
        Assert.That(limits.Take("stranger 2").IsAllowed);
        Assert.That(limits.Take("stranger 3").IsAllowed, Is.False);
        Assert.That(limits.Count, Is.EqualTo(RateLimits.KeysMax + 1));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.That(limits.Take("stranger 3").Remaining, Is.EqualTo(1));
        Assert.That(limits.Count, Is.EqualTo(1), "quotas that are whole again are forgotten");
    }

    [Test]
    [Description("X-07")]
    public void Take_ManyAtOnce_LetsExactlyTheQuotaPass()
    {
        var limits = new RateLimits(new RatePolicy("test", 1000, TimeSpan.FromSeconds(60)), _clock);
        var passed = 0;
        Parallel.For(
            0,
            5000,
            _ =>
            {
                if (limits.Take("a").IsAllowed)
                    Interlocked.Increment(ref passed);
            }
        );
        Assert.That(passed, Is.EqualTo(1000));
    }

    [Test]
    [Description("X-07")]
    public async Task GuessPassword_OverItsOwnRate_Is429WithTheDraftsHeaders()
    {
        await using var gateway = await GatewayHarness.StartAsync(clock: _clock);
        var first = await Guess(gateway);
        Assert.That(first.Status, Is.EqualTo(200), first.Body);
        Assert.That(
            first.Header("RateLimit-Policy"),
            Is.EqualTo("\"address\";q=4000;w=2, \"user\";q=2000;w=2, \"GuessPassword\";q=3;w=60")
        );
        Assert.That(first.Header("RateLimit"), Is.EqualTo("\"GuessPassword\";r=2;t=20"));
        await Guess(gateway);
        await Guess(gateway);
        var refused = await Guess(gateway);
        Assert.That(refused.Problem, Is.EqualTo((429, "RESOURCE_EXHAUSTED", "RATE_LIMITED")));
        Assert.That((string?)refused.Json["metadata"]!["policy"], Is.EqualTo("GuessPassword"));
        Assert.That(refused.Header("Retry-After"), Is.EqualTo("20"));
        Assert.That(refused.Header("RateLimit"), Is.EqualTo("\"GuessPassword\";r=0;t=60"));
        Assert.That((await gateway.SendAsync("GET", "/api/v1/names")).Status, Is.EqualTo(200));
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.That((await Guess(gateway)).Status, Is.EqualTo(200));
        Assert.That(gateway.Traffic.Calls, Is.EqualTo(4), "no refused call reached the service");
    }

    [Test]
    [Description("X-07")]
    public async Task UpdatePage_RateOfAnRpcWithToken_IsPerUser()
    {
        await using var gateway = await GatewayHarness.StartAsync(clock: _clock);
        for (var call = 0; call < 5; call++)
            Assert.That((await Update(gateway, "seller")).Status, Is.EqualTo(200));
        Assert.That((await Update(gateway, "seller")).Status, Is.EqualTo(429));
        Assert.That((await Update(gateway, "buyer")).Status, Is.EqualTo(200));
    }

    [Test]
    [Description("X-07")]
    public async Task GuessPassword_ScaledForALoadTest_LetsMorePass()
    {
        await using var gateway = await GatewayHarness.StartAsync(s => s with { RateScale = 2 }, _clock);
        for (var call = 0; call < 6; call++)
            Assert.That((await Guess(gateway)).Status, Is.EqualTo(200));
        Assert.That((await Guess(gateway)).Status, Is.EqualTo(429));
    }

    [Test]
    [Description("X-07")]
    public async Task GuessPassword_Ipv6NeighboursBehindAProxy_ShareTheirNetworksQuota()
    {
        await using var gateway = await GatewayHarness.StartAsync(
            s => s with { Proxies = ["127.0.0.1"] },
            _clock
        );
        string[] same = ["2001:db8:1:2::1", "2001:db8:1:2::ffff", "2001:db8:1:2:3:4:5:6"];
        foreach (var address in same)
            Assert.That((await Guess(gateway, address)).Status, Is.EqualTo(200));
        Assert.That((await Guess(gateway, "2001:db8:1:2:9::")).Status, Is.EqualTo(429));
        Assert.That((await Guess(gateway, "2001:db8:1:3::1")).Status, Is.EqualTo(200));
    }

    private static Task<Answer> Guess(GatewayHarness gateway, string? from = null) =>
        from is null
            ? gateway.SendAsync("POST", "/api/v1/guesses", "{}")
            : gateway.SendAsync("POST", "/api/v1/guesses", "{}", ("X-Forwarded-For", from));

    private static Task<Answer> Update(GatewayHarness gateway, string role) =>
        gateway.SendAsAsync(role, "PUT", "/api/v1/pages/1", "{}");
}
