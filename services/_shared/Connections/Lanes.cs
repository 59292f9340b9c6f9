namespace Souk.Shared.Connections;

/// <summary>
/// The way to one server: the lane that all calls take, replaced by a new one once it is worn.
/// </summary>
/// <param name="open">Makes what a lane's connections are opened by; each lane has its own.</param>
internal sealed class Lanes(Func<HttpMessageHandler> open) : IDisposable
{
    private Lane _lane = new(open());

    /// <summary>
    /// The lane to take, with the call counted in: it must leave the lane or give up, once.
    /// </summary>
    public Lane Enter()
    {
        while (true)
        {
            var lane = Volatile.Read(ref _lane);
            if (lane.IsWorn)
                Replace(lane);
            else if (lane.TryEnter())
                return lane;
        }
    }

    /// <summary>Closes the lane that new calls take, whatever is under way on it.</summary>
    public void Dispose() => _lane.Dispose();

    private void Replace(Lane worn)
    {
        var fresh = new Lane(open());
        if (Interlocked.CompareExchange(ref _lane, fresh, worn) == worn)
            worn.Leave();
        else
            fresh.Dispose();
    }
}
