using Souk.Options.V1;

namespace Souk.Gateway.Load;

/// <summary>
/// The calls and streams that one service has now. Less important ones may fill only a part of their limits.
/// A stream rests most of its time, so streams have a limit of their own, which says how many may rest.
/// </summary>
internal sealed class ServiceLoad(TimeProvider clock, int streamsMax)
{
    private int _atOnce;
    private int _streams;

    public AdaptiveLimit Limit { get; } = new(clock);

    /// <summary>Calls under way.</summary>
    public int AtOnce => Volatile.Read(ref _atOnce);

    /// <summary>Streams that are open.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Counts a call in, if there is room for its priority.</summary>
    public bool TryEnter(Priority priority)
    {
        var room = Limit.Current * ShareOf(priority);
        if (Interlocked.Increment(ref _atOnce) <= room)
            return true;
        Interlocked.Decrement(ref _atOnce);
        return false;
    }

    /// <summary>Counts a stream in, if there is room for its priority.</summary>
    public bool TryOpen(Priority priority)
    {
        if (Interlocked.Increment(ref _streams) <= streamsMax * ShareOf(priority))
            return true;
        Interlocked.Decrement(ref _streams);
        return false;
    }

    /// <summary>Counts a stream out.</summary>
    public void Close() => Interlocked.Decrement(ref _streams);

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
