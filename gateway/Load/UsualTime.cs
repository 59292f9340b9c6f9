namespace Souk.Gateway.Load;

/// <summary>
/// How long an RPC takes when nothing is in its way: falls quickly to what was seen, rises slowly, so that a
/// busy minute does not become what is usual.
/// </summary>
internal sealed class UsualTime
{
    private const double Falling = 0.1;
    private const double Rising = 0.001;

    /// <summary>Below this, differences are the machine's and not the service's.</summary>
    private const double MsMin = 5;

    private double _ms;

    /// <summary>How many times the usual time this was, which it becomes part of.</summary>
    public double SlownessOf(TimeSpan taken)
    {
        var ms = Math.Max(taken.TotalMilliseconds, MsMin);
        var usual = Volatile.Read(ref _ms);
        // Of two calls that end together one may not be counted: it is an average all the same.
        Volatile.Write(ref _ms, usual == 0 ? ms : usual + ((ms - usual) * (ms < usual ? Falling : Rising)));
        return usual == 0 ? 1 : ms / usual;
    }
}
