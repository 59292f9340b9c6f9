using Souk.Options.V1;

namespace Souk.Gateway.Load;

/// <summary>
/// The calls that one service has now. Less important ones may fill only a part of its limit.
/// </summary>
internal sealed class ServiceLoad(TimeProvider clock)
{
    private int _atOnce;

    public AdaptiveLimit Limit { get; } = new(clock);

    /// <summary>Calls under way.</summary>
    public int AtOnce => Volatile.Read(ref _atOnce);

    /// <summary>Counts a call in, if there is room for its priority.</summary>
    public bool TryEnter(Priority priority)
    {
        var room = Limit.Current * ShareOf(priority);
        if (Interlocked.Increment(ref _atOnce) <= room)
            return true;
        Interlocked.Decrement(ref _atOnce);
        return false;
    }

    /// <summary>Counts a call out; how many there were with it.</summary>
    public int Leave() => Interlocked.Decrement(ref _atOnce) + 1;

    private static double ShareOf(Priority priority) =>
        priority switch
        {
            Priority.Checkout => 1,
            Priority.Cart => 0.85,
            Priority.Browse => 0.7,
            _ => 0.5,
        };
}
