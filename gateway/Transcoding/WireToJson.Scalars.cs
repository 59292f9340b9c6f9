using System.Buffers.Text;
using System.Text.Json;
using Google.Protobuf.Reflection;

namespace Souk.Gateway.Transcoding;

/// <summary>Scalars, their defaults and their places in maps.</summary>
internal static partial class WireToJson
{
    private static void WriteScalar(Utf8JsonWriter json, FieldPlan field, ref WireReader reader)
    {
        switch (field.Type)
        {
            case FieldType.String:
                json.WriteStringValue(reader.Bytes());
                break;
            case FieldType.Bytes:
                json.WriteBase64StringValue(reader.Bytes());
                break;
            case FieldType.Bool:
                json.WriteBooleanValue(reader.Varint() != 0);
                break;
            case FieldType.Enum:
                WriteEnum(json, field, unchecked((int)reader.Varint()));
                break;
            case FieldType.Double:
                WriteDouble(json, BitConverter.UInt64BitsToDouble(reader.Fixed64()));
                break;
            case FieldType.Float:
                WriteFloat(json, BitConverter.UInt32BitsToSingle(reader.Fixed32()));
                break;
            case FieldType.UInt64 or FieldType.Fixed64:
                WriteUnsigned(json, field, Unsigned(field, ref reader));
                break;
            default:
                WriteSigned(json, field, Signed(field, ref reader));
                break;
        }
    }

    private static void WriteDefault(Utf8JsonWriter json, FieldPlan field)
    {
        if (field.IsMap)
        {
            json.WriteStartObject();
            json.WriteEndObject();
        }
        else if (field.IsRepeated)
        {
            json.WriteStartArray();
            json.WriteEndArray();
        }
        else if (field.Type is FieldType.String or FieldType.Bytes)
            json.WriteStringValue(""u8);
        else if (field.Type == FieldType.Bool)
            json.WriteBooleanValue(false);
        else if (field.Type == FieldType.Enum)
            WriteEnum(json, field, 0);
        else if (field.IsWide && !field.WritesWideAsNumber)
            json.WriteStringValue("0"u8);
        else
            json.WriteNumberValue(0);
    }

    private static void WriteEntry(
        Utf8JsonWriter json,
        FieldPlan map,
        FieldPlan key,
        FieldPlan value,
        ReadOnlySpan<byte> entry,
        int depth
    )
    {
        Span<Slot> slots = [default, default];
        if (map.Message is { } plan)
            Index(plan, entry, slots);
        WriteKey(json, key, slots[0], entry);
        if (slots[1].IsSet && value.Message is { } message)
        {
            var reader = new WireReader(entry, slots[1].Value);
            WriteElement(json, map, message, reader.Bytes(), depth);
        }
        else if (slots[1].IsSet)
        {
            var reader = new WireReader(entry, slots[1].Value);
            WriteScalar(json, value, ref reader);
        }
        else if (value.Message is { } empty)
            WriteElement(json, map, empty, default, depth);
        else
            WriteDefault(json, value);
    }

    private static void WriteKey(Utf8JsonWriter json, FieldPlan key, Slot slot, ReadOnlySpan<byte> entry)
    {
        Span<byte> text = stackalloc byte[24];
        var length = 0;
        var reader = new WireReader(entry, slot.Value);
        if (key.Type == FieldType.String)
            json.WritePropertyName(slot.IsSet ? reader.Bytes() : ""u8);
        else if (key.Type == FieldType.Bool)
            json.WritePropertyName(slot.IsSet && reader.Varint() != 0 ? "true"u8 : "false"u8);
        else if (key.Type is FieldType.UInt64 or FieldType.Fixed64)
            Utf8Formatter.TryFormat(slot.IsSet ? Unsigned(key, ref reader) : 0, text, out length);
        else
            Utf8Formatter.TryFormat(slot.IsSet ? Signed(key, ref reader) : 0, text, out length);
        if (length > 0)
            json.WritePropertyName(text[..length]);
    }

    private static void WriteEnum(Utf8JsonWriter json, FieldPlan field, int number)
    {
        if (field.Enum is { IsNull: true })
            json.WriteNullValue();
        else if (field.Enum?.Find(number) is { } entry)
            json.WriteStringValue(entry.Text);
        else
            json.WriteNumberValue(number);
    }

    private static void WriteSigned(Utf8JsonWriter json, FieldPlan field, long value)
    {
        if (
            !field.IsWide
            || (field.WritesWideAsNumber && Math.Abs(value) <= WholeDoubleMax && value != long.MinValue)
        )
        {
            json.WriteNumberValue(value);
            return;
        }
        Span<byte> text = stackalloc byte[24];
        Utf8Formatter.TryFormat(value, text, out var length);
        json.WriteStringValue(text[..length]);
    }

    private static void WriteUnsigned(Utf8JsonWriter json, FieldPlan field, ulong value)
    {
        if (field.WritesWideAsNumber && value <= WholeDoubleMax)
        {
            json.WriteNumberValue(value);
            return;
        }
        Span<byte> text = stackalloc byte[24];
        Utf8Formatter.TryFormat(value, text, out var length);
        json.WriteStringValue(text[..length]);
    }

    private static void WriteDouble(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumberValue(value);
        else
            json.WriteStringValue(
                double.IsNaN(value) ? "NaN"u8
                : value > 0 ? "Infinity"u8
                : "-Infinity"u8
            );
    }

    private static void WriteFloat(Utf8JsonWriter json, float value)
    {
        if (float.IsFinite(value))
            json.WriteNumberValue(value);
        else
            WriteDouble(json, value);
    }

    private static long Signed(FieldPlan field, ref WireReader reader) =>
        field.Type switch
        {
            FieldType.Int32 => unchecked((int)reader.Varint()),
            FieldType.UInt32 => unchecked((uint)reader.Varint()),
            FieldType.SInt32 or FieldType.SInt64 => WireReader.UnZigZag(reader.Varint()),
            FieldType.Fixed32 => reader.Fixed32(),
            FieldType.SFixed32 => unchecked((int)reader.Fixed32()),
            FieldType.SFixed64 => unchecked((long)reader.Fixed64()),
            _ => unchecked((long)reader.Varint()),
        };

    private static ulong Unsigned(FieldPlan field, ref WireReader reader) =>
        field.Type == FieldType.Fixed64 ? reader.Fixed64() : reader.Varint();
}
