using System.Collections.Concurrent;

namespace Souk.Gateway.Security;

/// <summary>Whether a call may pass, and if not, after which pause one may.</summary>
internal readonly record struct RateVerdict(bool IsAllowed, TimeSpan RetryAfter);

/// <summary>
/// A rate per key by the generic cell rate algorithm: each key is one number, the instant at which its
/// calls so far would have been spread out evenly. A call is refused while that lies further ahead than the
/// burst allows.
/// </summary>
internal sealed class RateLimits(int perSecond, TimeProvider clock)
{
    /// <summary>A client may make this many seconds' worth of calls at once.</summary>
    private const int BurstSeconds = 2;

    private const int KeysMax = 100_000;
    private const int SweepSeconds = 10;

    private readonly ConcurrentDictionary<string, long> _due = new(StringComparer.Ordinal);
    private readonly long _interval = Math.Max(1, TimeSpan.TicksPerSecond / perSecond);
    private long _nextSweep;

    public RateVerdict Take(string key)
    {
        var now = clock.GetUtcNow().Ticks;
        Sweep(now);
        while (true)
        {
            var isKnown = _due.TryGetValue(key, out var due);
            var next = Math.Max(due, now) + _interval;
            var wait = next - now - (BurstSeconds * TimeSpan.TicksPerSecond);
            if (wait > 0)
                return new RateVerdict(false, TimeSpan.FromTicks(wait));
            if (isKnown ? _due.TryUpdate(key, next, due) : _due.TryAdd(key, next))
                return new RateVerdict(true, TimeSpan.Zero);
        }
    }

    // A key whose instant has passed is as good as new.
    private void Sweep(long now)
    {
        var next = Volatile.Read(ref _nextSweep);
        if (
            now < next
            || Interlocked.CompareExchange(
                ref _nextSweep,
                now + (SweepSeconds * TimeSpan.TicksPerSecond),
                next
            ) != next
        )
            return;
        foreach (var entry in _due)
        {
            if (entry.Value <= now)
                _due.TryRemove(entry);
        }
        // So many clients at once are an attack or a success; memory stays bounded either way.
        if (_due.Count >= KeysMax)
            _due.Clear();
    }
}
