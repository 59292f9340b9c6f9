using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Gateway.Transcoding;

/// <summary>Messages with a JSON form of their own.</summary>
internal static partial class WireToJson
{
    private static void WriteWellKnown(
        Utf8JsonWriter json,
        MessagePlan plan,
        ReadOnlySpan<byte> wire,
        int depth
    )
    {
        switch (plan.Shape)
        {
            case MessageShape.Timestamp or MessageShape.Duration:
                WriteInstant(json, plan.Shape, wire);
                break;
            case MessageShape.FieldMask:
                WritePaths(json, wire);
                break;
            case MessageShape.Wrapper:
                WriteWrapped(json, plan.Fields[0], wire);
                break;
            case MessageShape.Struct:
                WriteMap(json, plan.Fields[0], wire, depth);
                break;
            case MessageShape.ListValue:
                WriteList(json, plan.Fields[0], wire, depth);
                break;
            case MessageShape.Value:
                WriteValue(json, plan, wire, depth);
                break;
            case MessageShape.Money:
                WriteMoney(json, wire);
                break;
            default:
                WriteAny(json, plan, wire, depth);
                break;
        }
    }

    private static void WriteInstant(Utf8JsonWriter json, MessageShape shape, ReadOnlySpan<byte> wire)
    {
        var (seconds, nanos) = (0L, 0);
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            // A Duration has the same two numbers.
            if (number == Timestamp.SecondsFieldNumber && type == WireType.Varint)
                seconds = unchecked((long)reader.Varint());
            else if (number == Timestamp.NanosFieldNumber && type == WireType.Varint)
                nanos = unchecked((int)reader.Varint());
            else
                reader.Skip(type);
        }
        Span<byte> text = stackalloc byte[InstantText.BytesMax];
        var length =
            shape == MessageShape.Timestamp
                ? InstantText.FormatInstant(seconds, nanos, text)
                : InstantText.FormatDuration(seconds, nanos, text);
        json.WriteStringValue(text[..length]);
    }

    private static void WritePaths(Utf8JsonWriter json, ReadOnlySpan<byte> wire)
    {
        var paths = new List<string>();
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number == FieldMask.PathsFieldNumber && type == WireType.Length)
                paths.Add(Encoding.UTF8.GetString(reader.Bytes()));
            else
                reader.Skip(type);
        }
        json.WriteStringValue(string.Join(',', paths));
    }

    private static void WriteWrapped(Utf8JsonWriter json, FieldPlan field, ReadOnlySpan<byte> wire)
    {
        var reader = new WireReader(wire);
        var start = -1;
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number == field.Number && type == field.Wire)
                start = reader.Position;
            reader.Skip(type);
        }
        if (start < 0)
        {
            WriteDefault(json, field);
            return;
        }
        var value = new WireReader(wire, start);
        WriteScalar(json, field, ref value);
    }

    // The members of Value's oneof are its fields in order: null, number, string, bool, struct, list.
    private static void WriteValue(Utf8JsonWriter json, MessagePlan plan, ReadOnlySpan<byte> wire, int depth)
    {
        Span<Slot> slots = stackalloc Slot[plan.Fields.Length];
        Index(plan, wire, slots);
        foreach (var field in plan.Fields)
        {
            if (!slots[field.Index].IsSet)
                continue;
            WriteField(json, field, slots[field.Index], wire, depth);
            return;
        }
        json.WriteNullValue();
    }

    private static void WriteAny(Utf8JsonWriter json, MessagePlan any, ReadOnlySpan<byte> wire, int depth)
    {
        Span<Slot> slots = stackalloc Slot[any.Fields.Length];
        Index(any, wire, slots);
        var typeUrl = BytesAt(wire, slots[0]);
        var name = Encoding.UTF8.GetString(typeUrl[(typeUrl.LastIndexOf((byte)'/') + 1)..]);
        json.WriteStartObject();
        if (!typeUrl.IsEmpty)
            json.WriteString("@type"u8, typeUrl);
        var value = BytesAt(wire, slots[1]);
        if (any.Types.Find(name) is not { } plan)
        {
            if (!typeUrl.IsEmpty)
                json.WriteBase64String("value"u8, value);
        }
        else if (plan.Shape == MessageShape.Fields)
        {
            WriteMembers(json, plan, value, depth + 1);
        }
        else
        {
            json.WritePropertyName("value"u8);
            WriteMessage(json, plan, value, depth + 1);
        }
        json.WriteEndObject();
    }

    /// <summary>{"currency": "USD", "amount": 999.90} with exactly the currency's decimals.</summary>
    private static void WriteMoney(Utf8JsonWriter json, ReadOnlySpan<byte> wire)
    {
        var minorUnits = ReadMoney(wire, out var currency);
        json.WriteStartObject();
        json.WriteString("currency"u8, currency);
        json.WritePropertyName("amount"u8);
        WriteAmount(json, minorUnits, currency);
        json.WriteEndObject();
    }

    /// <summary>The bare number, for a field whose currency its surroundings name.</summary>
    private static void WriteAmount(Utf8JsonWriter json, ReadOnlySpan<byte> wire)
    {
        var minorUnits = ReadMoney(wire, out var currency);
        WriteAmount(json, minorUnits, currency);
    }

    private static void WriteAmount(Utf8JsonWriter json, long minorUnits, ReadOnlySpan<byte> currency)
    {
        var exponent = Currencies.ExponentOf(currency) ?? Currencies.ExponentDefault;
        Span<byte> text = stackalloc byte[32];
        json.WriteRawValue(text[..DecimalText.Format(minorUnits, exponent, text)], skipInputValidation: true);
    }

    private static long ReadMoney(ReadOnlySpan<byte> wire, out ReadOnlySpan<byte> currency)
    {
        var minorUnits = 0L;
        currency = default;
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number == Type.Money.CurrencyFieldNumber && type == WireType.Length)
                currency = reader.Bytes();
            else if (number == Type.Money.MinorUnitsFieldNumber && type == WireType.Varint)
                minorUnits = unchecked((long)reader.Varint());
            else
                reader.Skip(type);
        }
        return minorUnits;
    }

    private static ReadOnlySpan<byte> BytesAt(ReadOnlySpan<byte> wire, Slot slot)
    {
        var reader = new WireReader(wire, slot.Value);
        return slot.IsSet ? reader.Bytes() : default;
    }
}
