namespace Souk.Sidecar.Workflows;

/// <summary>What a due entry of the timer queue is about.</summary>
internal enum TimerKind
{
    /// <summary>A durable timer of the workflow.</summary>
    Workflow,

    /// <summary>The time that a start was scheduled for.</summary>
    Start,

    /// <summary>The patience with a worker that does not honour a terminate.</summary>
    TerminateGrace,
}

/// <summary>One entry: names its run instead of holding it, so that ended runs are not kept in
/// memory.</summary>
internal readonly record struct DueTimer(InstanceKey Key, string ExecutionId, TimerKind Kind, int TimerId);

/// <summary>
/// Everything that waits for a time, earliest first, behind one system timer. Nothing is taken out early: an
/// entry of a run that ended is recognised when it comes due, and swept when such entries are the majority.
/// </summary>
internal sealed class TimerQueue : IDisposable
{
    private const int SweepMin = 10_000;

    // A system timer cannot wait longer than some 49 days.
    private static readonly TimeSpan WaitMax = TimeSpan.FromDays(1);

    private readonly PriorityQueue<DueTimer, DateTimeOffset> _entries = new();
    private readonly Lock _gate = new();
    private readonly TimeProvider _clock;
    private readonly Action<IReadOnlyList<DueTimer>> _due;
    private readonly Func<DueTimer, bool> _isLive;
    private readonly ITimer _timer;
    private DateTimeOffset _armedFor = DateTimeOffset.MaxValue;
    private int _sweepAt = SweepMin;

    public TimerQueue(TimeProvider clock, Func<DueTimer, bool> isLive, Action<IReadOnlyList<DueTimer>> due)
    {
        _clock = clock;
        _isLive = isLive;
        _due = due;
        _timer = clock.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Adds an entry. Called under the engine's lock, which the sweep needs.</summary>
    public void Add(DueTimer entry, DateTimeOffset due)
    {
        lock (_gate)
        {
            _entries.Enqueue(entry, due);
            if (_entries.Count >= _sweepAt)
            {
                Sweep();
            }
            if (due < _armedFor)
            {
                Arm();
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Fire()
    {
        var due = new List<DueTimer>();
        lock (_gate)
        {
            var now = _clock.GetUtcNow();
            while (_entries.TryPeek(out var entry, out var time) && time <= now)
            {
                _entries.Dequeue();
                due.Add(entry);
            }
            Arm();
        }
        if (due.Count > 0)
        {
            _due(due);
        }
    }

    private void Arm()
    {
        if (!_entries.TryPeek(out _, out var due))
        {
            _armedFor = DateTimeOffset.MaxValue;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }
        _armedFor = due;
        var wait = due - _clock.GetUtcNow();
        // A system timer counts whole milliseconds: rounded up, so that it never comes early and finds
        // nothing due.
        var rounded = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(0, wait.TotalMilliseconds)));
        _timer.Change(rounded < WaitMax ? rounded : WaitMax, Timeout.InfiniteTimeSpan);
    }

    private void Sweep()
    {
        var live = _entries.UnorderedItems.Where(e => _isLive(e.Element)).ToList();
        _entries.Clear();
        _entries.EnqueueRange(live);
        _sweepAt = Math.Max(SweepMin, 2 * _entries.Count);
    }
}
