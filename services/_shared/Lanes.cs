namespace Souk.Shared;

/// <summary>The way to one server: a lane that all calls take, and the next one when it is worn.</summary>
/// <param name="open">Opens connections of their own; none is made before the first call.</param>
internal sealed class Lanes(Func<HttpMessageHandler> open) : IDisposable
{
    private Lane _lane = new(open());

    /// <summary>The lane to take. Each call leaves it once, or gives up on it.</summary>
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
