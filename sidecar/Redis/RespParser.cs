using System.Buffers;
using System.Buffers.Text;

namespace Souk.Sidecar.Redis;

/// <summary>Reads RESP2 replies out of buffered bytes. An unfinished reply consumes nothing.</summary>
internal static class RespParser
{
    // A reply that nests deeper than any command of ours asks for is not from a Redis.
    private const int DepthMax = 8;

    public static bool TryRead(ref ReadOnlySequence<byte> buffer, out RespValue value)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!TryRead(ref reader, 0, out value))
            return false;
        buffer = buffer.Slice(reader.Position);
        return true;
    }

    private static bool TryRead(ref SequenceReader<byte> reader, int depth, out RespValue value)
    {
        value = default;
        if (depth > DepthMax)
            throw new InvalidDataException("Redis reply nests too deep");
        if (!reader.TryReadTo(out ReadOnlySequence<byte> line, "\r\n"u8))
            return false;
        if (line.IsEmpty)
            throw new InvalidDataException("Redis reply has no type");
        var kind = line.FirstSpan[0];
        var rest = line.Slice(1);
        switch (kind)
        {
            case (byte)'+':
                value = RespValue.OfBytes(RespKind.Text, rest.ToArray());
                return true;
            case (byte)'-':
                value = RespValue.OfBytes(RespKind.Error, rest.ToArray());
                return true;
            case (byte)':':
                value = RespValue.OfInteger(Number(rest));
                return true;
            case (byte)'$':
                return TryReadBulk(ref reader, Number(rest), out value);
            case (byte)'*':
                return TryReadArray(ref reader, Number(rest), depth, out value);
            default:
                throw new InvalidDataException($"Redis reply of unknown type 0x{kind:x2}");
        }
    }

    private static bool TryReadBulk(ref SequenceReader<byte> reader, long length, out RespValue value)
    {
        value = default;
        if (length < 0)
            return true;
        if (reader.Remaining < length + 2)
            return false;
        var bytes = new byte[length];
        reader.TryCopyTo(bytes);
        reader.Advance(length + 2);
        value = RespValue.OfBytes(RespKind.Bytes, bytes);
        return true;
    }

    private static bool TryReadArray(
        ref SequenceReader<byte> reader,
        long count,
        int depth,
        out RespValue value
    )
    {
        value = default;
        if (count < 0)
            return true;
        var items = new RespValue[count];
        for (var i = 0; i < items.Length; i++)
        {
            if (!TryRead(ref reader, depth + 1, out items[i]))
                return false;
        }
        value = RespValue.OfItems(items);
        return true;
    }

    private static long Number(ReadOnlySequence<byte> digits)
    {
        Span<byte> copy = stackalloc byte[24];
        if (digits.Length is 0 or > 24)
            throw new InvalidDataException("Redis reply has a malformed number");
        digits.CopyTo(copy);
        return
            Utf8Parser.TryParse(copy[..(int)digits.Length], out long number, out var used)
            && used == digits.Length
            ? number
            : throw new InvalidDataException("Redis reply has a malformed number");
    }
}
