using System.Collections.Concurrent;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// What the readers of one consumer group in this process share. They are one consumer to the server, so what
/// one of them holds looks pending to all of them.
/// </summary>
internal sealed class StreamGroup
{
    private readonly ConcurrentDictionary<string, byte> _underWay = new(StringComparer.Ordinal);
    private int _left;

    /// <summary>Grows when a reader ends and leaves pending messages for the others.</summary>
    public int Left => Volatile.Read(ref _left);

    /// <summary>False when a reader of this process delivers the message already.</summary>
    public bool TryBegin(string id) => _underWay.TryAdd(id, 0);

    /// <summary>A message that is left unacknowledged is for whoever still reads to look for.</summary>
    public void End(string id, bool isLeft)
    {
        _underWay.TryRemove(id, out _);
        if (isLeft)
            Interlocked.Increment(ref _left);
    }
}
