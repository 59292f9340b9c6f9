using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Souk.Catalog;

/// <summary>
/// A bounded cache of things that somebody else may change: an entry is believed for a while from the moment
/// its reading began, and each key is read once however many ask for it at the same time. A
/// reading during which the key was forgotten still answers those who wait for it, but is not kept.
/// </summary>
internal sealed class FreshCache<TKey, TValue>(int generationSize, TimeSpan lifetime, TimeProvider clock)
    where TKey : notnull
    where TValue : notnull
{
    private readonly BoundedCache<TKey, Entry> _entries = new(generationSize);
    private readonly ConcurrentDictionary<TKey, Flight> _flights = new();
    private readonly Lock _gate = new();
    private long _hits;
    private long _misses;

    /// <summary>Reads the values of keys that the cache lacks; keys without a value are left out.</summary>
    internal delegate Task<IReadOnlyDictionary<TKey, TValue>> Read(IReadOnlyList<TKey> keys);

    /// <summary>Answers given from memory.</summary>
    internal long Hits => Volatile.Read(ref _hits);

    /// <summary>Answers that had to wait for a reading.</summary>
    internal long Misses => Volatile.Read(ref _misses);

    /// <summary>The key's value, or default when it has none. Absence is not remembered.</summary>
    internal async ValueTask<TValue?> GetAsync(TKey key, Read read, CancellationToken token)
    {
        if (TryGet(key, out var value))
            return value;
        var found = await GetManyAsync([key], read, token);
        return found.GetValueOrDefault(key);
    }

    /// <summary>The values of those keys that have one. What is missing is read in one go.</summary>
    internal async ValueTask<IReadOnlyDictionary<TKey, TValue>> GetManyAsync(
        IEnumerable<TKey> keys,
        Read read,
        CancellationToken token
    )
    {
        var found = new Dictionary<TKey, TValue>();
        var waiting = new List<Flight>();
        var own = new List<Flight>();
        foreach (var key in keys.Distinct())
        {
            if (TryGet(key, out var value))
            {
                found.Add(key, value);
                continue;
            }
            Interlocked.Increment(ref _misses);
            var fresh = new Flight(key);
            var flight = _flights.GetOrAdd(key, fresh);
            waiting.Add(flight);
            if (ReferenceEquals(flight, fresh))
                own.Add(flight);
        }
        // Others may wait for it: it does not end with the call that happened to come first.
        if (own.Count > 0)
            _ = ReadAsync(own, read);
        foreach (var flight in waiting)
        {
            if (await flight.Landed.Task.WaitAsync(token) is { HasValue: true } landed)
                found[flight.Key] = landed.Value;
        }
        return found;
    }

    /// <summary>Forgets a key, also a value that is being read now.</summary>
    internal void Forget(TKey key)
    {
        lock (_gate)
        {
            _flights.TryRemove(key, out _);
            _entries.Remove(key);
        }
    }

    private bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_entries.TryGet(key, out var entry) && clock.GetElapsedTime(entry.ReadAt) < lifetime)
        {
            Interlocked.Increment(ref _hits);
            value = entry.Value;
            return true;
        }
        value = default;
        return false;
    }

    private async Task ReadAsync(List<Flight> flights, Read read)
    {
        var readAt = clock.GetTimestamp();
        try
        {
            var values = await read([.. flights.Select(flight => flight.Key)]);
            foreach (var flight in flights)
            {
                var has = values.TryGetValue(flight.Key, out var value);
                Land(flight, has ? new Entry(value!, readAt) : null);
                flight.Landed.SetResult(has ? new Landing(true, value!) : default);
            }
        }
        catch (Exception e)
        {
            foreach (var flight in flights)
            {
                Land(flight, null);
                flight.Landed.TrySetException(e);
            }
        }
    }

    private void Land(Flight flight, Entry? entry)
    {
        lock (_gate)
        {
            var isWanted = _flights.TryRemove(new KeyValuePair<TKey, Flight>(flight.Key, flight));
            if (isWanted && entry is not null)
                _entries.Set(flight.Key, entry);
        }
    }

    private sealed record Entry(TValue Value, long ReadAt);

    private readonly record struct Landing(bool HasValue, TValue Value);

    /// <summary>
    /// A reading under way. Compared by identity: a later reading of the same key is another flight.
    /// </summary>
    private sealed class Flight(TKey key)
    {
        internal TKey Key => key;

        internal TaskCompletionSource<Landing> Landed { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
