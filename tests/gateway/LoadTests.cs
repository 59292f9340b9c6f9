using Souk.Gateway.Load;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>More calls than can be answered: the less important are refused, the others go on.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LoadTests
{
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    [Test]
    public void Limit_AnswersAsUsual_Grows()
    {
        var limit = new AdaptiveLimit(_clock);
        Busy(limit, windows: 20, slowness: 1.2);
        Assert.That(limit.Current, Is.GreaterThan(AdaptiveLimit.Initial * 2));
    }

    [Test]
    public void Limit_AnswersSeveralTimesSlower_ShrinksUntilTheyDoNot()
    {
        var limit = new AdaptiveLimit(_clock);
        // A service that works on 50 at once: what is beyond waits.
        for (var window = 0; window < 60; window++)
            Busy(limit, windows: 1, slowness: Math.Max(1, limit.Current / 50.0));
        Assert.That(limit.Current, Is.InRange(100, 200), "about three times what it works on at once");
    }

    [Test]
    public void Limit_CallsAreLost_ShrinksToItsFloorAndRecovers()
    {
        var limit = new AdaptiveLimit(_clock);
        for (var call = 0; call < 1000; call++)
        {
            limit.Lost(limit.Current);
            _clock.Advance(TimeSpan.FromMilliseconds(50));
        }
        Assert.That(limit.Current, Is.EqualTo(AdaptiveLimit.Min));
        Busy(limit, windows: 60, slowness: 1);
        Assert.That(limit.Current, Is.GreaterThan(AdaptiveLimit.Initial));
    }

    [Test]
    public void Limit_FewCallsThatAreSlow_ChangeNothing()
    {
        var limit = new AdaptiveLimit(_clock);
        for (var call = 0; call < 1000; call++)
        {
            limit.Answered(50, atOnce: 5);
            _clock.Advance(TimeSpan.FromMilliseconds(50));
        }
        Assert.That(limit.Current, Is.EqualTo(AdaptiveLimit.Initial));
    }

    [Test]
    public void UsualTime_BusyMinute_DoesNotBecomeUsual()
    {
        var usual = new UsualTime();
        for (var call = 0; call < 100; call++)
            usual.SlownessOf(TimeSpan.FromMilliseconds(20));
        for (var call = 0; call < 300; call++)
            Assert.That(usual.SlownessOf(TimeSpan.FromMilliseconds(400)), Is.GreaterThan(2.5));
        Assert.That(usual.SlownessOf(TimeSpan.FromMilliseconds(1)), Is.LessThan(1));
    }

    [Test]
    public async Task PayPage_DeadlineOfTheContract_ReachesTheService()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        var page = await gateway.SendAsync("POST", "/api/v1/pages/1:pay");
        Assert.That((int)page.Json["deadline_ms"]!, Is.EqualTo(60_000));
        var hurried = await gateway.SendAsync(
            "POST",
            "/api/v1/pages/1:pay",
            null,
            ("X-Request-Timeout", "15.5")
        );
        Assert.That((int)hurried.Json["deadline_ms"]!, Is.EqualTo(15_500));
    }

    private void Busy(AdaptiveLimit limit, int windows, double slowness)
    {
        for (var window = 0; window < windows; window++)
        {
            for (var call = 0; call < 20; call++)
                limit.Answered(slowness, limit.Current);
            _clock.Advance(TimeSpan.FromMilliseconds(300));
            limit.Answered(slowness, limit.Current);
        }
    }
}
