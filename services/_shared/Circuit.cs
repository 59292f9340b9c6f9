namespace Souk.Shared;

/// <summary>What a circuit does with the next call.</summary>
public enum CircuitState
{
    /// <summary>Calls pass.</summary>
    Closed = 0,

    /// <summary>One call passes, to see whether the dependency is back; the others are refused.</summary>
    HalfOpen = 1,

    /// <summary>Calls are refused at once: the dependency gets a rest, its callers a quick answer.</summary>
    Open = 2,
}

/// <summary>
/// A circuit breaker for one dependency. It opens after a run of failures without a single success, rests,
/// and lets one call through; that call's outcome closes it or lets it rest again.
/// </summary>
public sealed class Circuit(TimeProvider clock)
{
    /// <summary>Failures in a row that open it.</summary>
    public const int FailuresMax = 20;

    /// <summary>How long it refuses calls before it tries one.</summary>
    public static TimeSpan Rest { get; } = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private volatile int _failures;
    private DateTimeOffset _restsUntil;
    private bool _isProbing;

    /// <summary>What happens to the next call.</summary>
    public CircuitState State
    {
        get
        {
            if (_failures < FailuresMax)
                return CircuitState.Closed;
            lock (_gate)
                return clock.GetUtcNow() < _restsUntil ? CircuitState.Open : CircuitState.HalfOpen;
        }
    }

    /// <summary>Whether a call may pass. Each that may reports its outcome exactly once.</summary>
    public bool TryPass()
    {
        if (_failures < FailuresMax)
            return true;
        lock (_gate)
        {
            if (_failures < FailuresMax)
                return true;
            if (_isProbing || clock.GetUtcNow() < _restsUntil)
                return false;
            _isProbing = true;
            return true;
        }
    }

    /// <summary>The dependency answered, with whatever it had to say.</summary>
    public void Succeeded()
    {
        if (_failures == 0)
            return;
        lock (_gate)
        {
            _failures = 0;
            _isProbing = false;
        }
    }

    /// <summary>The dependency did not answer.</summary>
    public void Failed()
    {
        lock (_gate)
        {
            _isProbing = false;
            if (++_failures >= FailuresMax)
                _restsUntil = clock.GetUtcNow() + Rest;
        }
    }

    /// <summary>The caller gave up, which says nothing about the dependency.</summary>
    public void Abandoned()
    {
        lock (_gate)
            _isProbing = false;
    }
}
