using Souk.Sidecar.Cel;

namespace Souk.Sidecar.Components;

/// <summary>When a circuit opens, and how it closes again.</summary>
internal sealed record CircuitBreakerPolicy(string Name, CelExpression Trip)
{
    /// <summary>Calls let through to see whether the target is well again.</summary>
    public int MaxRequests { get; init; } = 1;

    /// <summary>How often a closed circuit forgets its counts; zero for never.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>How long an open circuit refuses.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>The circuit refuses the call; it was not made.</summary>
internal sealed class CircuitOpenException(string message) : Exception(message);

/// <summary>
/// One target's circuit. Closed, it counts; when the policy's expression says so it opens and refuses;
/// after a while it lets a few calls through, and closes when all of them go well. A library's breaker
/// trips on a ratio of failures, Dapr's on an expression over counts.
/// </summary>
internal sealed class CircuitBreaker(CircuitBreakerPolicy policy, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private Counts _counts = new();
    private State _state;
    private int _generation;
    private DateTimeOffset _stateEnds =
        policy.Interval > TimeSpan.Zero ? clock.GetUtcNow() + policy.Interval : DateTimeOffset.MaxValue;

    private enum State
    {
        Closed,
        Open,
        HalfOpen,
    }

    /// <summary>"closed", "open" or "half-open".</summary>
    public string StateName
    {
        get
        {
            lock (_lock)
            {
                Advance();
                return _state switch
                {
                    State.Closed => "closed",
                    State.Open => "open",
                    _ => "half-open",
                };
            }
        }
    }

    /// <summary>Begins a call. The answer goes to <see cref="End"/>.</summary>
    public int Begin()
    {
        lock (_lock)
        {
            Advance();
            if (_state == State.Open)
                throw new CircuitOpenException("circuit breaker is open");
            if (_state == State.HalfOpen && _counts.Requests >= policy.MaxRequests)
                throw new CircuitOpenException("too many requests");
            _counts.Requests++;
            return _generation;
        }
    }

    /// <summary>The call was broken off and says nothing of the target.</summary>
    public void Abandon(int generation)
    {
        lock (_lock)
        {
            if (generation == _generation)
                _counts.Requests--;
        }
    }

    public void End(int generation, bool succeeded)
    {
        lock (_lock)
        {
            Advance();
            // A call that began under an earlier state says nothing about this one.
            if (generation != _generation)
                return;
            _counts.Add(succeeded);
            if (_state == State.HalfOpen)
            {
                if (!succeeded)
                    Enter(State.Open);
                else if (_counts.ConsecutiveSuccesses >= policy.MaxRequests)
                    Enter(State.Closed);
            }
            else if (!succeeded && policy.Trip.Holds(_counts.ToScope()))
                Enter(State.Open);
        }
    }

    private void Advance()
    {
        if (clock.GetUtcNow() < _stateEnds)
            return;
        Enter(_state == State.Open ? State.HalfOpen : _state);
    }

    private void Enter(State state)
    {
        _state = state;
        _generation++;
        _counts = new Counts();
        _stateEnds = state switch
        {
            State.Open => clock.GetUtcNow() + policy.Timeout,
            State.Closed when policy.Interval > TimeSpan.Zero => clock.GetUtcNow() + policy.Interval,
            _ => DateTimeOffset.MaxValue,
        };
    }

    private sealed class Counts
    {
        public long Requests { get; set; }

        public long ConsecutiveSuccesses { get; private set; }

        private long TotalSuccesses { get; set; }

        private long TotalFailures { get; set; }

        private long ConsecutiveFailures { get; set; }

        public void Add(bool succeeded)
        {
            TotalSuccesses += succeeded ? 1 : 0;
            TotalFailures += succeeded ? 0 : 1;
            ConsecutiveSuccesses = succeeded ? ConsecutiveSuccesses + 1 : 0;
            ConsecutiveFailures = succeeded ? 0 : ConsecutiveFailures + 1;
        }

        public CelScope ToScope()
        {
            var scope = new CelScope("requests", Requests);
            scope = new CelScope("totalSuccesses", TotalSuccesses, scope);
            scope = new CelScope("totalFailures", TotalFailures, scope);
            scope = new CelScope("consecutiveSuccesses", ConsecutiveSuccesses, scope);
            return new CelScope("consecutiveFailures", ConsecutiveFailures, scope);
        }
    }
}
