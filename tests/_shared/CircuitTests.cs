using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

[Description("X-19")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class CircuitTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly Circuit _circuit;

    public CircuitTests() => _circuit = new Circuit(_clock);

    [Test]
    public void TryPass_FailuresInARow_OpenIt()
    {
        Fail(Circuit.FailuresMax - 1);
        Assert.That(_circuit.TryPass(), Is.True);
        _circuit.Failed();
        Assert.That((_circuit.TryPass(), _circuit.State), Is.EqualTo((false, CircuitState.Open)));
    }

    [Test]
    public void TryPass_ASuccessBetween_KeepsItClosed()
    {
        Fail(Circuit.FailuresMax - 1);
        _circuit.Succeeded();
        Fail(Circuit.FailuresMax - 1);
        Assert.That(_circuit.State, Is.EqualTo(CircuitState.Closed));
    }

    [Test]
    public void TryPass_AfterTheRest_LetsOneThrough()
    {
        Fail(Circuit.FailuresMax);
        _clock.Advance(Circuit.Rest);
        Assert.That(_circuit.State, Is.EqualTo(CircuitState.HalfOpen));
        Assert.That((_circuit.TryPass(), _circuit.TryPass()), Is.EqualTo((true, false)));
        _circuit.Succeeded();
        Assert.That((_circuit.TryPass(), _circuit.TryPass()), Is.EqualTo((true, true)));
    }

    [Test]
    public void TryPass_ProbeFails_RestsAgain()
    {
        Fail(Circuit.FailuresMax);
        _clock.Advance(Circuit.Rest);
        Assert.That(_circuit.TryPass(), Is.True);
        _circuit.Failed();
        Assert.That(_circuit.State, Is.EqualTo(CircuitState.Open));
        _clock.Advance(Circuit.Rest);
        Assert.That(_circuit.TryPass(), Is.True);
    }

    [Test]
    public void TryPass_ProbeAbandoned_LetsAnotherThrough()
    {
        Fail(Circuit.FailuresMax);
        _clock.Advance(Circuit.Rest);
        Assert.That(_circuit.TryPass(), Is.True);
        _circuit.Abandoned();
        Assert.That(_circuit.TryPass(), Is.True);
    }

    private void Fail(int times)
    {
        for (var i = 0; i < times; i++)
            _circuit.Failed();
    }
}
