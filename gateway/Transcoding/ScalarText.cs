using System.Buffers;
using System.Buffers.Text;
using System.Text.Unicode;
using Google.Protobuf.Reflection;

namespace Souk.Gateway.Transcoding;

/// <summary>
/// Scalars from their text: JSON numbers and strings, map keys, path segments, query parameters and headers
/// all come through here, so each type has one grammar.
/// </summary>
internal static class ScalarText
{
    /// <summary>Writes the value without its tag. False when the text is not of the field's type.</summary>
    public static bool TryWrite(FieldPlan field, ReadOnlySpan<byte> text, PooledBuffer wire) =>
        field.Type switch
        {
            FieldType.String => TryWriteString(text, wire),
            FieldType.Bytes => TryWriteBytes(text, wire),
            FieldType.Bool => TryWriteBool(text, wire),
            FieldType.Enum => TryWriteEnum(field, text, wire),
            FieldType.Double or FieldType.Float => TryWriteFloat(field.Type, text, wire),
            FieldType.Message or FieldType.Group => false,
            _ => TryWriteInteger(field.Type, text, wire),
        };

    public static bool TryWriteString(ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        // PostgreSQL cannot store NUL in a text; nobody means it.
        if (!Utf8.IsValid(text) || text.Contains((byte)0))
            return false;
        wire.Bytes(text);
        return true;
    }

    /// <summary>Writes a number of the field's type from text that JSON calls a number.</summary>
    public static bool TryWriteNumber(FieldPlan field, ReadOnlySpan<byte> number, PooledBuffer wire) =>
        field.Type switch
        {
            FieldType.Enum => TryInteger(number, out var value)
                && TryWriteVarint(value, int.MinValue, int.MaxValue, wire),
            FieldType.Double or FieldType.Float => TryWriteFiniteFloat(field.Type, number, wire),
            FieldType.String or FieldType.Bytes or FieldType.Bool or FieldType.Message or FieldType.Group =>
                false,
            _ => TryWriteIntegerNumber(field.Type, number, wire),
        };

    private static bool TryWriteInteger(FieldType type, ReadOnlySpan<byte> text, PooledBuffer wire) =>
        DecimalText.IsNumber(text) && TryWriteIntegerNumber(type, text, wire);

    private static bool TryWriteIntegerNumber(FieldType type, ReadOnlySpan<byte> number, PooledBuffer wire)
    {
        if (!TryInteger(number, out var value))
            return false;
        switch (type)
        {
            case FieldType.Int32:
                return TryWriteVarint(value, int.MinValue, int.MaxValue, wire);
            case FieldType.Int64:
                return TryWriteVarint(value, long.MinValue, long.MaxValue, wire);
            case FieldType.UInt32:
                return TryWriteVarint(value, uint.MinValue, uint.MaxValue, wire);
            case FieldType.UInt64:
                return TryWriteVarint(value, ulong.MinValue, ulong.MaxValue, wire);
            case FieldType.SInt32 when value >= int.MinValue && value <= int.MaxValue:
            case FieldType.SInt64 when value >= long.MinValue && value <= long.MaxValue:
                wire.Varint(WireWriter.ZigZag((long)value));
                return true;
            case FieldType.Fixed32 when value >= uint.MinValue && value <= uint.MaxValue:
            case FieldType.SFixed32 when value >= int.MinValue && value <= int.MaxValue:
                wire.Fixed32(unchecked((uint)(long)value));
                return true;
            case FieldType.Fixed64 when value >= ulong.MinValue && value <= ulong.MaxValue:
                wire.Fixed64((ulong)value);
                return true;
            case FieldType.SFixed64 when value >= long.MinValue && value <= long.MaxValue:
                wire.Fixed64(unchecked((ulong)(long)value));
                return true;
            default:
                return false;
        }
    }

    private static bool TryInteger(ReadOnlySpan<byte> number, out Int128 value)
    {
        if (Utf8Parser.TryParse(number, out long small, out var read) && read == number.Length)
        {
            value = small;
            return true;
        }
        return DecimalText.TryScale(number, 0, out value);
    }

    private static bool TryWriteVarint(Int128 value, Int128 minimum, Int128 maximum, PooledBuffer wire)
    {
        if (value < minimum || value > maximum)
            return false;
        wire.Varint(value < 0 ? unchecked((ulong)(long)value) : (ulong)value);
        return true;
    }

    private static bool TryWriteFloat(FieldType type, ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        if (DecimalText.IsNumber(text))
            return TryWriteFiniteFloat(type, text, wire);
        var value =
            text.SequenceEqual("NaN"u8) ? double.NaN
            : text.SequenceEqual("Infinity"u8) ? double.PositiveInfinity
            : text.SequenceEqual("-Infinity"u8) ? double.NegativeInfinity
            : 0;
        return value != 0 && WriteFloat(type, value, wire);
    }

    private static bool TryWriteFiniteFloat(FieldType type, ReadOnlySpan<byte> number, PooledBuffer wire)
    {
        // Each type rounds the text once: through double, a float could be rounded twice.
        if (type == FieldType.Float)
        {
            if (!Utf8Parser.TryParse(number, out float single, out _) || !float.IsFinite(single))
                return false;
            wire.Fixed32(BitConverter.SingleToUInt32Bits(single));
            return true;
        }
        return Utf8Parser.TryParse(number, out double value, out _)
            && double.IsFinite(value)
            && WriteFloat(type, value, wire);
    }

    private static bool WriteFloat(FieldType type, double value, PooledBuffer wire)
    {
        if (type == FieldType.Float)
            wire.Fixed32(BitConverter.SingleToUInt32Bits((float)value));
        else
            wire.Fixed64(BitConverter.DoubleToUInt64Bits(value));
        return true;
    }

    private static bool TryWriteBool(ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        var isTrue = text.SequenceEqual("true"u8);
        if (!isTrue && !text.SequenceEqual("false"u8))
            return false;
        wire.Varint(isTrue ? 1u : 0u);
        return true;
    }

    private static bool TryWriteEnum(FieldPlan field, ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        if (field.Enum?.Find(text) is not { } entry)
            return DecimalText.IsNumber(text) && TryWriteNumber(field, text, wire);
        wire.Varint(unchecked((ulong)entry.Number));
        return true;
    }

    // Standard or URL-safe alphabet, padded or not.
    private static bool TryWriteBytes(ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        text = text.TrimEnd((byte)'=') is var trimmed && text.Length - trimmed.Length <= 2 ? trimmed : text;
        var rented = text.Length > 512 ? ArrayPool<byte>.Shared.Rent(text.Length) : null;
        var safe = rented is null ? stackalloc byte[512] : rented;
        safe = safe[..text.Length];
        text.CopyTo(safe);
        safe.Replace((byte)'+', (byte)'-');
        safe.Replace((byte)'/', (byte)'_');
        var start = wire.OpenLength();
        var status = Base64Url.DecodeFromUtf8(safe, wire.GetSpan(text.Length), out _, out var written);
        wire.Advance(written);
        wire.CloseLength(start);
        // White space passes the decoder but not the contract.
        var isClean = status == OperationStatus.Done && !safe.ContainsAny(" \t\r\n"u8);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return isClean;
    }
}
