using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Souk.Gateway.Transcoding;

/// <summary>
/// The protobuf wire format to JSON: snake_case names in the order of declaration, defaults written out so
/// that a client finds 0, "" and [] where the contract has them; unset messages and unset optional fields are
/// left out.
/// </summary>
internal static partial class WireToJson
{
    /// <summary>Deepest nesting of messages; a backend that sends more is broken.</summary>
    private const int DepthMax = 100;

    private const int SlotsOnStackMax = 64;
    private const long WholeDoubleMax = (1L << 53) - 1;

    private static readonly JsonWriterOptions Options = new()
    {
        // Other scripts stay readable; what HTML could mistake for markup is escaped.
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        SkipValidation = true,
    };

    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    /// <summary>Writes a whole message.</summary>
    public static void Message(MessagePlan plan, ReadOnlySpan<byte> wire, PooledBuffer json)
    {
        var writer = Rent(json);
        WriteMessage(writer, plan, wire, 0);
        writer.Flush();
    }

    /// <summary>Writes one field of a message as the whole text, for a rule with a response_body.</summary>
    public static void Field(MessagePlan plan, FieldPlan field, ReadOnlySpan<byte> wire, PooledBuffer json)
    {
        var writer = Rent(json);
        var slots = new Slot[plan.Fields.Length];
        Index(plan, wire, slots);
        if (slots[field.Index].IsSet)
            WriteField(writer, field, slots[field.Index], wire, 0);
        else if (field.HasPresence)
            writer.WriteNullValue();
        else
            WriteDefault(writer, field);
        writer.Flush();
    }

    private static Utf8JsonWriter Rent(PooledBuffer json)
    {
        if (t_writer is { } writer)
            writer.Reset(json);
        else
            t_writer = writer = new Utf8JsonWriter(json, Options);
        return writer;
    }

    private static void WriteMessage(
        Utf8JsonWriter json,
        MessagePlan plan,
        ReadOnlySpan<byte> wire,
        int depth
    )
    {
        if (depth > DepthMax)
            throw new InvalidDataException("The message nests too deeply.");
        if (plan.Shape == MessageShape.Fields)
        {
            json.WriteStartObject();
            WriteMembers(json, plan, wire, depth);
            json.WriteEndObject();
        }
        else
        {
            WriteWellKnown(json, plan, wire, depth);
        }
    }

    private static void WriteMembers(
        Utf8JsonWriter json,
        MessagePlan plan,
        ReadOnlySpan<byte> wire,
        int depth
    )
    {
        var count = plan.Fields.Length;
        // Both begin empty: stackalloc is zeroed, too, as nothing here sets SkipLocalsInit.
        var slots = count <= SlotsOnStackMax ? stackalloc Slot[count] : new Slot[count];
        Index(plan, wire, slots);
        foreach (var field in plan.Fields)
        {
            if (field.IsHidden || field.IsInputOnly)
                continue;
            ref var slot = ref slots[field.Index];
            if (slot.IsSet)
            {
                json.WritePropertyName(field.JsonName);
                WriteField(json, field, slot, wire, depth);
            }
            else if (!field.HasPresence)
            {
                json.WritePropertyName(field.JsonName);
                WriteDefault(json, field);
            }
        }
    }

    /// <summary>
    /// Notes where each field is, so that fields can be written in another order than they came.
    /// </summary>
    private static void Index(MessagePlan plan, ReadOnlySpan<byte> wire, Span<Slot> slots)
    {
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var start = reader.Position;
            var (number, type) = reader.Tag();
            var value = reader.Position;
            reader.Skip(type);
            if (
                plan.Find(number) is not { } field
                || (type != field.Wire && !(field.CanPack && type == WireType.Length))
            )
                continue;
            if (field.OneofIndex >= 0)
                ClearOneof(plan, field, slots);
            ref var slot = ref slots[field.Index];
            slot = new Slot(slot.IsSet ? slot.First : start, value, reader.Position);
        }
    }

    // The last member of a oneof on the wire wins.
    private static void ClearOneof(MessagePlan plan, FieldPlan winner, Span<Slot> slots)
    {
        foreach (var field in plan.Fields)
        {
            if (field.OneofIndex == winner.OneofIndex && field != winner)
                slots[field.Index] = default;
        }
    }

    private static void WriteField(
        Utf8JsonWriter json,
        FieldPlan field,
        Slot slot,
        ReadOnlySpan<byte> wire,
        int depth
    )
    {
        if (field.IsMap)
            WriteMap(json, field, wire[slot.First..slot.End], depth);
        else if (field.IsRepeated)
            WriteList(json, field, wire[slot.First..slot.End], depth);
        else if (field.Message is { } message)
            WriteNested(json, field, message, slot, wire, depth);
        else
        {
            var reader = new WireReader(wire, slot.Value);
            WriteScalar(json, field, ref reader);
        }
    }

    private static void WriteNested(
        Utf8JsonWriter json,
        FieldPlan field,
        MessagePlan message,
        Slot slot,
        ReadOnlySpan<byte> wire,
        int depth
    )
    {
        var reader = new WireReader(wire, slot.Value);
        var bytes = reader.Bytes();
        if (HasSeveral(slot, field, wire))
            bytes = Merged(field, wire[slot.First..slot.End]);
        WriteElement(json, field, message, bytes, depth);
    }

    private static void WriteElement(
        Utf8JsonWriter json,
        FieldPlan field,
        MessagePlan message,
        ReadOnlySpan<byte> bytes,
        int depth
    )
    {
        if (field.PlainAmount)
            WriteAmount(json, bytes);
        else
            WriteMessage(json, message, bytes, depth + 1);
    }

    private static bool HasSeveral(Slot slot, FieldPlan field, ReadOnlySpan<byte> wire)
    {
        var reader = new WireReader(wire, slot.First);
        reader.Tag();
        return reader.Position != slot.Value && field.Wire == WireType.Length;
    }

    // Parts of one message merge by standing behind each other: that is how the wire format is made.
    private static ReadOnlySpan<byte> Merged(FieldPlan field, ReadOnlySpan<byte> wire)
    {
        var merged = new List<byte>();
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number == field.Number && type == field.Wire)
                merged.AddRange(reader.Bytes());
            else
                reader.Skip(type);
        }
        return merged.ToArray();
    }

    private static void WriteList(Utf8JsonWriter json, FieldPlan field, ReadOnlySpan<byte> wire, int depth)
    {
        json.WriteStartArray();
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number != field.Number)
            {
                reader.Skip(type);
            }
            else if (field.CanPack && type == WireType.Length)
            {
                var packed = new WireReader(reader.Bytes());
                while (!packed.AtEnd)
                    WriteScalar(json, field, ref packed);
            }
            else if (type != field.Wire)
                reader.Skip(type);
            else if (field.Message is { } message)
                WriteElement(json, field, message, reader.Bytes(), depth);
            else
                WriteScalar(json, field, ref reader);
        }
        json.WriteEndArray();
    }

    private static void WriteMap(Utf8JsonWriter json, FieldPlan field, ReadOnlySpan<byte> wire, int depth)
    {
        json.WriteStartObject();
        var (key, value) = (field.Message!.Fields[0], field.Message.Fields[1]);
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number == field.Number && type == WireType.Length)
                WriteEntry(json, field, key, value, reader.Bytes(), depth);
            else
                reader.Skip(type);
        }
        json.WriteEndObject();
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Slot(int First, int Value, int End)
    {
        /// <summary>A value never starts at 0, where the tag is.</summary>
        public bool IsSet => End > 0;
    }
}
