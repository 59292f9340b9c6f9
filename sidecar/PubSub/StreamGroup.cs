namespace Souk.Sidecar.PubSub;

/// <summary>
/// What the readers of one consumer group in this process share. They are one consumer to the server, so what
/// one of them holds looks pending to all of them.
/// </summary>
internal sealed class StreamGroup
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _underWay = new(StringComparer.Ordinal);
    private readonly HashSet<string> _doneMeanwhile = new(StringComparer.Ordinal);
    private int _looks;
    private int _left;

    /// <summary>Grows when a reader ends and leaves pending messages for the others.</summary>
    public int Left => Volatile.Read(ref _left);

    /// <summary>
    /// Asks the server what is pending, and takes its answer. That may be older than an acknowledgement: what
    /// is done meanwhile does not begin again.
    /// </summary>
    public async Task<T> LookAsync<T>(Func<Task<T>> look)
    {
        lock (_gate)
            _looks++;
        try
        {
            return await look();
        }
        finally
        {
            lock (_gate)
            {
                if (--_looks == 0)
                    _doneMeanwhile.Clear();
            }
        }
    }

    /// <summary>False when a reader of this process delivers the message already, or just did.</summary>
    public bool TryBegin(string id)
    {
        lock (_gate)
            return !_doneMeanwhile.Contains(id) && _underWay.Add(id);
    }

    /// <summary>A message that is left unacknowledged is for whoever still reads to look for.</summary>
    public void End(string id, bool isLeft)
    {
        lock (_gate)
        {
            _underWay.Remove(id);
            if (!isLeft && _looks > 0)
                _doneMeanwhile.Add(id);
        }
        if (isLeft)
            Interlocked.Increment(ref _left);
    }
}
