using System.Globalization;

namespace Souk.Gateway.Security;

/// <summary>
/// So many calls in so much time: all of them may come at once, and are earned back evenly.
/// </summary>
internal sealed record RatePolicy(string Name, int Calls, TimeSpan Window)
{
    /// <summary>The time in which one call is earned back.</summary>
    public long TicksPerCall { get; } = Math.Max(1, Window.Ticks / Calls);

    /// <summary>As an item of the header RateLimit-Policy.</summary>
    public string Item { get; } =
        string.Create(CultureInfo.InvariantCulture, $"\"{Name}\";q={Calls};w={(long)Window.TotalSeconds}");
}

/// <summary>What a policy says about one call.</summary>
/// <param name="IsAllowed">Whether it may pass.</param>
/// <param name="Remaining">Calls that may follow at once.</param>
/// <param name="Reset">After how long all calls are earned back.</param>
/// <param name="RetryAfter">After how long a refused call may be made.</param>
internal readonly record struct RateVerdict(
    bool IsAllowed,
    int Remaining,
    TimeSpan Reset,
    TimeSpan RetryAfter
);
