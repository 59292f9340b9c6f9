using System.Buffers.Binary;

namespace Souk.Gateway.Transcoding;

/// <summary>How a value is laid out on the wire; the numbers are protobuf's.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

/// <summary>Reads the protobuf wire format. Damaged bytes throw <see cref="InvalidDataException"/>.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes, int start = 0)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Offset of the next byte.</summary>
    public int Position { get; private set; } = start;

    public readonly bool AtEnd => Position >= _bytes.Length;

    /// <summary>A field's number and layout.</summary>
    public (int Number, WireType Type) Tag()
    {
        var tag = Varint();
        if (tag is 0 or > uint.MaxValue)
            throw Damaged();
        return ((int)(tag >> 3), (WireType)(tag & 7));
    }

    public ulong Varint()
    {
        var position = Position;
        if (position < _bytes.Length && _bytes[position] < 0x80)
        {
            Position = position + 1;
            return _bytes[position];
        }
        return LongVarint();
    }

    public uint Fixed32()
    {
        var value = BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));
        return value;
    }

    public ulong Fixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    /// <summary>The bytes behind a length.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        var length = Varint();
        if (length > (ulong)(_bytes.Length - Position))
            throw Damaged();
        return Take((int)length);
    }

    public void Skip(WireType type)
    {
        switch (type)
        {
            case WireType.Varint:
                Varint();
                break;
            case WireType.Fixed64:
                Take(sizeof(ulong));
                break;
            case WireType.Length:
                Bytes();
                break;
            case WireType.Fixed32:
                Take(sizeof(uint));
                break;
            default:
                throw Damaged();
        }
    }

    public static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private ulong LongVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (Position >= _bytes.Length)
                throw Damaged();
            var part = _bytes[Position++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }
        throw Damaged();
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (_bytes.Length - Position < count)
            throw Damaged();
        var taken = _bytes.Slice(Position, count);
        Position += count;
        return taken;
    }

    private static InvalidDataException Damaged() => new("The message is not valid protobuf.");
}
