using System.Collections.Concurrent;

namespace Souk.Gateway.Security;

/// <summary>
/// A rate per key by the generic cell rate algorithm: each key is one number, the instant at which its
/// calls so far would have been spread out evenly. A call is refused while that lies further ahead than the
/// policy's window. The limiters of System.Threading.RateLimiting would cost an object and a timer per key.
/// </summary>
internal sealed class RateLimits(RatePolicy policy, TimeProvider clock)
{
    /// <summary>Keys with a number of their own. Beyond it new ones share one, so an attack from many
    /// addresses can neither fill the memory nor make the table forget whom it holds back.</summary>
    public const int KeysMax = 100_000;

    private const string Others = "";
    private static readonly long SweepTicks = TimeSpan.FromSeconds(1).Ticks;

    private readonly ConcurrentDictionary<string, long> _due = new(StringComparer.Ordinal);
    private int _count;
    private long _nextSweep;

    public RatePolicy Policy => policy;

    /// <summary>Keys that are remembered now.</summary>
    public int Count => _count;

    /// <summary>Counts a call of the key.</summary>
    public RateVerdict Take(string key)
    {
        var now = clock.GetUtcNow().Ticks;
        while (true)
        {
            var isKnown = _due.TryGetValue(key, out var due);
            if (!isKnown && !HasRoom(now) && key != Others)
            {
                key = Others;
                continue;
            }
            var next = Math.Max(due, now) + policy.TicksPerCall;
            var over = next - now - policy.Window.Ticks;
            if (over > 0)
                return Verdict(false, next - policy.TicksPerCall - now, over);
            if (isKnown ? _due.TryUpdate(key, next, due) : TryAdd(key, next))
                return Verdict(true, next - now, 0);
        }
    }

    private RateVerdict Verdict(bool isAllowed, long aheadTicks, long overTicks) =>
        new(
            isAllowed,
            (int)Math.Max(0, (policy.Window.Ticks - aheadTicks) / policy.TicksPerCall),
            TimeSpan.FromTicks(Math.Max(0, aheadTicks)),
            TimeSpan.FromTicks(overTicks)
        );

    private bool TryAdd(string key, long due)
    {
        if (!_due.TryAdd(key, due))
            return false;
        Interlocked.Increment(ref _count);
        return true;
    }

    private bool HasRoom(long now)
    {
        Sweep(now);
        return Volatile.Read(ref _count) < KeysMax;
    }

    // A key whose instant has passed is as good as new.
    private void Sweep(long now)
    {
        var next = Volatile.Read(ref _nextSweep);
        if (now < next || Interlocked.CompareExchange(ref _nextSweep, now + SweepTicks, next) != next)
            return;
        foreach (var entry in _due)
        {
            if (entry.Value <= now && _due.TryRemove(entry))
                Interlocked.Decrement(ref _count);
        }
    }
}
