using System.Buffers.Binary;
using System.Text;

namespace Souk.Gateway.Transcoding;

/// <summary>The protobuf wire format, written in one pass.</summary>
internal static class WireWriter
{
    private const int VarintBytesMax = 10;

    public static void Varint(this PooledBuffer wire, ulong value)
    {
        var span = wire.GetSpan(VarintBytesMax);
        wire.Advance(PutVarint(span, value));
    }

    public static void Fixed32(this PooledBuffer wire, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(wire.GetSpan(sizeof(uint)), value);
        wire.Advance(sizeof(uint));
    }

    public static void Fixed64(this PooledBuffer wire, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(wire.GetSpan(sizeof(ulong)), value);
        wire.Advance(sizeof(ulong));
    }

    /// <summary>A length and the bytes.</summary>
    public static void Bytes(this PooledBuffer wire, ReadOnlySpan<byte> bytes)
    {
        wire.Varint((ulong)bytes.Length);
        bytes.CopyTo(wire.GetSpan(bytes.Length));
        wire.Advance(bytes.Length);
    }

    /// <summary>A length and the text in UTF-8.</summary>
    public static void Text(this PooledBuffer wire, ReadOnlySpan<char> text)
    {
        var start = wire.OpenLength();
        wire.Advance(Encoding.UTF8.GetBytes(text, wire.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
        wire.CloseLength(start);
    }

    /// <summary>
    /// Starts something whose length is not known yet. One byte is kept for the length, which is enough for
    /// most;
    /// <see cref="CloseLength"/> moves the content when it is not.
    /// </summary>
    public static int OpenLength(this PooledBuffer wire)
    {
        wire.GetSpan(1)[0] = 0;
        wire.Advance(1);
        return wire.Length;
    }

    /// <summary>Returns how far the content moved.</summary>
    public static int CloseLength(this PooledBuffer wire, int start)
    {
        var length = (ulong)(wire.Length - start);
        var size = VarintSize(length);
        if (size > 1)
            wire.Shift(start, size - 1);
        PutVarint(wire.At(start - 1, size), length);
        return size - 1;
    }

    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static int VarintSize(ulong value) => (System.Numerics.BitOperations.Log2(value | 1) / 7) + 1;

    private static int PutVarint(Span<byte> span, ulong value)
    {
        var size = 0;
        while (value >= 0x80)
        {
            span[size++] = (byte)(value | 0x80);
            value >>= 7;
        }
        span[size++] = (byte)value;
        return size;
    }
}
