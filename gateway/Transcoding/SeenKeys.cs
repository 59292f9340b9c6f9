using System.Text;

namespace Souk.Gateway.Transcoding;

/// <summary>
/// The keys of one JSON map, to refuse one that is given twice. A key is known by its place in the wire
/// bytes, where "1" and "1.0" are the same number; only a large map pays for a set.
/// </summary>
internal ref struct SeenKeys(PooledBuffer wire, Span<Range> places)
{
    private readonly Span<Range> _places = places;
    private int _count;
    private HashSet<string>? _many;

    /// <summary>Whether no key before has these bytes.</summary>
    public readonly bool IsNew(Range key)
    {
        var bytes = wire.Written[key];
        if (_many is not null)
            return !_many.Contains(Encoding.Latin1.GetString(bytes));
        foreach (var place in _places[.._count])
        {
            if (bytes.SequenceEqual(wire.Written[place]))
                return false;
        }
        return true;
    }

    /// <summary>Remembers a key where it finally is: its entry may have moved since it was written.</summary>
    public void Keep(Range written, int moved)
    {
        var key = (written.Start.Value + moved)..(written.End.Value + moved);
        if (_many is null && _count < _places.Length)
        {
            _places[_count++] = key;
            return;
        }
        if (_many is null)
        {
            _many = new HashSet<string>(StringComparer.Ordinal);
            foreach (var place in _places)
                _many.Add(Encoding.Latin1.GetString(wire.Written[place]));
        }
        _many.Add(Encoding.Latin1.GetString(wire.Written[key]));
    }
}
