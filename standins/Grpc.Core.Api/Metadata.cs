using System.Collections;

namespace Grpc.Core;

/// <summary>
/// Headers or trailers of a call, in the order in which they were added. A key may occur more than once. Not
/// safe for use by several threads while one of them writes.
/// </summary>
public sealed partial class Metadata : IList<Metadata.Entry>
{
    /// <summary>The end of every key whose value is bytes rather than text.</summary>
    public const string BinaryHeaderSuffix = "-bin";

    /// <summary>No entries, for good: adding to it fails.</summary>
    public static readonly Metadata Empty = new() { IsReadOnly = true };

    private readonly List<Entry> _entries = [];

    /// <summary>Creates a list without entries.</summary>
    public Metadata() { }

    /// <inheritdoc />
    public int Count => _entries.Count;

    /// <inheritdoc />
    public bool IsReadOnly { get; private init; }

    /// <inheritdoc />
    public Entry this[int index]
    {
        get => _entries[index];
        set => Writable(value)[index] = value;
    }

    /// <summary>The newest entry with this (lower-case) key, which is the one that counts, or null.</summary>
    public Entry? Get(string key)
    {
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            if (_entries[i].Key == key)
                return _entries[i];
        }
        return null;
    }

    /// <summary>The text of the newest entry with this key, or null.</summary>
    public string? GetValue(string key) => Get(key)?.Value;

    /// <summary>The bytes of the newest entry with this key, or null.</summary>
    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    /// <summary>All entries with this key, oldest first.</summary>
    public IEnumerable<Entry> GetAll(string key)
    {
        foreach (var entry in _entries)
        {
            if (entry.Key == key)
                yield return entry;
        }
    }

    /// <summary>Adds a text entry.</summary>
    public void Add(string key, string value) => Add(new Entry(key, value));

    /// <summary>Adds a binary entry; the key must end in <see cref="BinaryHeaderSuffix" />.</summary>
    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    /// <inheritdoc />
    public void Add(Entry item) => Writable(item).Add(item);

    /// <inheritdoc />
    public void Insert(int index, Entry item) => Writable(item).Insert(index, item);

    /// <inheritdoc />
    public bool Remove(Entry item) => Writable(item).Remove(item);

    /// <inheritdoc />
    public void RemoveAt(int index) => Writable().RemoveAt(index);

    /// <inheritdoc />
    public void Clear() => Writable().Clear();

    /// <inheritdoc />
    public bool Contains(Entry item) => _entries.Contains(item);

    /// <inheritdoc />
    public int IndexOf(Entry item) => _entries.IndexOf(item);

    /// <inheritdoc />
    public void CopyTo(Entry[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);

    /// <inheritdoc />
    // Through the interface: the runtime then hands out one shared enumerator for an empty list, the common
    // case.
    public IEnumerator<Entry> GetEnumerator() => ((IEnumerable<Entry>)_entries).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<Entry> Writable(Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Writable();
    }

    private List<Entry> Writable() =>
        IsReadOnly ? throw new InvalidOperationException("This metadata is read-only.") : _entries;
}
