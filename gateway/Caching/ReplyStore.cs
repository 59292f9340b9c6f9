namespace Souk.Gateway.Caching;

/// <summary>
/// Remembered replies within a number of bytes; the one that was not asked for the longest goes first. Tags
/// find the replies that a change concerns.
/// </summary>
internal sealed class ReplyStore(long bytesMax)
{
    /// <summary>A reply larger than this share of the whole would push out too many others.</summary>
    private const int LargestShare = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<CacheKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byUse = new();
    private readonly Dictionary<string, HashSet<CacheKey>> _byTag = new(StringComparer.Ordinal);
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public int Count => _entries.Count;

    /// <summary>The reply, if it is remembered and not too old.</summary>
    public CachedReply? Find(CacheKey key, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var node))
                return null;
            if (now >= node.Value.Reply.Until)
            {
                Remove(node);
                return null;
            }
            if (node.Previous is not null)
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
            return node.Value.Reply;
        }
    }

    public void Keep(CacheKey key, CachedReply reply)
    {
        var bytes = reply.Bytes + key.Bytes;
        if (bytes > bytesMax / LargestShare)
            return;
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var old))
                Remove(old);
            var node = _byUse.AddFirst(new Entry(key, reply, bytes));
            _entries.Add(key, node);
            _bytes += bytes;
            foreach (var tag in reply.Tags)
            {
                if (!_byTag.TryGetValue(tag, out var keys))
                    _byTag.Add(tag, keys = []);
                keys.Add(key);
            }
            while (_bytes > bytesMax && _byUse.Last is { } last)
                Remove(last);
        }
    }

    /// <summary>Forgets what carries the tag; how many replies that were.</summary>
    public int Forget(string tag)
    {
        lock (_gate)
        {
            if (!_byTag.TryGetValue(tag, out var keys))
                return 0;
            var concerned = keys.ToArray();
            foreach (var key in concerned)
                Remove(_entries[key]);
            return concerned.Length;
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
            _byUse.Clear();
            _byTag.Clear();
            _bytes = 0;
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        var (key, reply, bytes) = node.Value;
        _byUse.Remove(node);
        _entries.Remove(key);
        _bytes -= bytes;
        foreach (var tag in reply.Tags)
        {
            if (_byTag.TryGetValue(tag, out var keys) && keys.Remove(key) && keys.Count == 0)
                _byTag.Remove(tag);
        }
    }

    private sealed record Entry(CacheKey Key, CachedReply Reply, int Bytes);
}
