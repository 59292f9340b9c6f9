using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>
/// a service that does not answer gets a rest, is tried with one call, and comes back.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class CircuitTests
{
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private GatewayHarness _gateway = null!;

    [SetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(s => s.WithoutRates() with { OperatorPort = 0 }, _clock);

    [TearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    [Description("X-19")]
    public async Task Circuit_ServiceIsBackAfterItsRest_CloseAgain()
    {
        await FailAsync(Circuit.FailuresMax);
        var refused = await GuessAsync();
        Assert.That(refused.Problem, Is.EqualTo((503, "UNAVAILABLE", "CIRCUIT_OPEN")));
        Assert.That(refused.Header("Retry-After"), Is.EqualTo("2"));
        Assert.That(_gateway.Traffic.Calls, Is.Zero, "the service rests");
        Assert.That(await _gateway.MetricsAsync(), Does.Match("gateway_circuit_state{app_id=\"echo\"} 2\n"));
        _clock.Advance(Circuit.Rest);
        Assert.That((await GuessAsync()).Status, Is.EqualTo(200), "the probe");
        Assert.That((await GuessAsync()).Status, Is.EqualTo(200));
        Assert.That(await _gateway.MetricsAsync(), Does.Match("gateway_circuit_state{app_id=\"echo\"} 0\n"));
    }

    [Test]
    [Description("X-19")]
    public async Task Circuit_ProbeFails_RestsAgain()
    {
        await FailAsync(Circuit.FailuresMax);
        _clock.Advance(Circuit.Rest);
        await FailAsync(1);
        Assert.That((await GuessAsync()).Problem, Is.EqualTo((503, "UNAVAILABLE", "CIRCUIT_OPEN")));
    }

    [Test]
    [Description("X-19")]
    public async Task Circuit_ErrorsThatTheServiceGives_AreAnswers()
    {
        for (var call = 0; call < Circuit.FailuresMax * 2; call++)
        {
            var answer = await _gateway.SendAsync(
                "POST",
                "/api/v1/fail",
                """{"code":14,"reason":"BUSY","message":"not now"}"""
            );
            Assert.That(answer.Problem, Is.EqualTo((503, "UNAVAILABLE", "BUSY")));
        }
        Assert.That((await GuessAsync()).Status, Is.EqualTo(200));
    }

    private async Task FailAsync(int times)
    {
        for (var call = 0; call < times; call++)
        {
            var answer = await _gateway.SendAsync("POST", "/api/v1/fail", """{"code":14}""");
            Assert.That(answer.Problem, Is.EqualTo((503, "UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")));
        }
    }

    private Task<Answer> GuessAsync() => _gateway.SendAsync("POST", "/api/v1/guesses", "{}");
}
