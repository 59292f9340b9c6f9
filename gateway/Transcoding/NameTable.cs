using System.Text;

namespace Souk.Gateway.Transcoding;

/// <summary>
/// Finds a value by its UTF-8 name without making a string: open addressing over a hash of the name's length
/// and three of its bytes, which tells a message's fields apart nearly always.
/// </summary>
internal sealed class NameTable<T>
    where T : class
{
    private readonly (byte[] Name, T Value)?[] _slots;

    public NameTable(IEnumerable<KeyValuePair<string, T>> entries)
    {
        var all = entries.ToArray();
        _slots = new (byte[], T)?[
            System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(all.Length * 2) + 1)
        ];
        foreach (var (name, value) in all)
            Add(Encoding.UTF8.GetBytes(name), value);
    }

    public T? Find(ReadOnlySpan<byte> name)
    {
        for (var slot = Hash(name); ; slot++)
        {
            if (_slots[slot & (_slots.Length - 1)] is not { } entry)
                return null;
            if (name.SequenceEqual(entry.Name))
                return entry.Value;
        }
    }

    // The first value of a name stays: a field's own name wins over another's camel case.
    private void Add(byte[] name, T value)
    {
        if (Find(name) is not null)
            return;
        var slot = Hash(name);
        while (_slots[slot & (_slots.Length - 1)] is not null)
            slot++;
        _slots[slot & (_slots.Length - 1)] = (name, value);
    }

    private static int Hash(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
            return 0;
        var mixed = (name.Length * 131) + (name[0] * 31) + (name[^1] * 17) + (name[name.Length / 2] * 7);
        return mixed & int.MaxValue;
    }
}
