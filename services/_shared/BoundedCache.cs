using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Souk.Shared;

/// <summary>
/// A cache that never holds more than twice its generation size. When the young generation is full it becomes
/// the old one and the old one is dropped; a hit in the old one is copied up. That is LRU in effect, without
/// a list or a lock.
/// </summary>
public sealed class BoundedCache<TKey, TValue>(int generationSize)
    where TKey : notnull
{
    private ConcurrentDictionary<TKey, TValue> _young = new();
    private ConcurrentDictionary<TKey, TValue> _old = new();
    private int _count;

    /// <summary>Looks up a key.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_young.TryGetValue(key, out value))
            return true;
        if (!_old.TryGetValue(key, out value))
            return false;
        Set(key, value);
        return true;
    }

    /// <summary>Stores a key.</summary>
    public void Set(TKey key, TValue value)
    {
        if (!_young.TryAdd(key, value))
        {
            _young[key] = value;
            return;
        }
        if (Interlocked.Increment(ref _count) < generationSize)
            return;
        _count = 0;
        _old = Interlocked.Exchange(ref _young, new ConcurrentDictionary<TKey, TValue>());
    }

    /// <summary>Forgets a key.</summary>
    public void Remove(TKey key)
    {
        _young.TryRemove(key, out _);
        _old.TryRemove(key, out _);
    }
}
