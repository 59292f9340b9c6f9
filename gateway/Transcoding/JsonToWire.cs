using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Google.Protobuf.Reflection;
using Souk.Type;

namespace Souk.Gateway.Transcoding;

/// <summary>
/// JSON to the protobuf wire format in one pass, by the proto3 JSON mapping but strict: what a message does
/// not know is refused with its path, and so is a name given twice.
/// </summary>
internal ref partial struct JsonToWire
{
    /// <summary>Deepest nesting of objects and lists in a body.</summary>
    public const int DepthMax = 32;

    private const int KeysOnStack = 16;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = DepthMax };

    private readonly PooledBuffer _wire;
    private readonly ReadOnlySpan<byte> _text;
    private Utf8JsonReader _json;
    private FieldTrail _trail;

    private JsonToWire(ReadOnlySpan<byte> json, PooledBuffer wire)
    {
        _wire = wire;
        _text = json;
        _json = new Utf8JsonReader(json, Options);
        _trail = new FieldTrail(json);
    }

    /// <summary>Writes the fields of a whole message.</summary>
    public static void Message(MessagePlan plan, ReadOnlySpan<byte> json, PooledBuffer wire) =>
        new JsonToWire(json, wire).Root(plan, null);

    /// <summary>Writes one field, tag included, whose value is the whole JSON text.</summary>
    public static void Field(FieldPlan field, ReadOnlySpan<byte> json, PooledBuffer wire) =>
        new JsonToWire(json, wire).Root(null, field);

    private void Root(MessagePlan? plan, FieldPlan? field)
    {
        try
        {
            _json.Read();
            if (plan is not null)
            {
                MessageBody(plan);
            }
            else if (field is not null)
            {
                _trail.Enter(field);
                FieldValue(field);
            }
            // Anything but white space behind the value throws.
            _json.Read();
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
    }

    private void MessageBody(MessagePlan plan)
    {
        switch (plan.Shape)
        {
            case MessageShape.Fields:
                Members(plan);
                break;
            case MessageShape.Money:
                Money();
                break;
            case MessageShape.Wrapper:
                _wire.Varint(plan.Fields[0].Tag);
                Singular(plan.Fields[0]);
                break;
            case MessageShape.Any:
                Any(plan);
                break;
            default:
                WellKnown(plan.Shape);
                break;
        }
    }

    private void Members(MessagePlan plan, bool isInsideAny = false)
    {
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Invalid("must be an object");
        Span<ulong> seen = stackalloc ulong[(plan.SeenFlags / 64) + 1];
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (isInsideAny && _json.ValueTextEquals("@type"u8))
            {
                _json.Read();
                continue;
            }
            var field = FindField(plan) ?? throw UnknownField(plan);
            if (!Mark(seen, field.Index))
                throw Invalid("is given twice", field.Name);
            _json.Read();
            if (
                _json.TokenType == JsonTokenType.Null
                && (field.IsRepeated || field.IsMap || !HoldsNull(field))
            )
                continue;
            if (field.OneofIndex >= 0 && !Mark(seen, plan.Fields.Length + field.OneofIndex))
                throw Invalid("excludes another field that is given too", field.Name);
            _trail.Enter(field);
            FieldValue(field);
            _trail.Leave();
        }
    }

    private void FieldValue(FieldPlan field)
    {
        if (field.IsMap)
            Map(field);
        else if (field.IsRepeated)
            List(field);
        else
        {
            var tagStart = _wire.Length;
            _wire.Varint(field.Tag);
            var start = _wire.Length;
            Singular(field);
            // As every serializer does, so that equal messages are equal bytes: a default is an absent field.
            if (!field.HasPresence && !_wire.Written[start..].ContainsAnyExcept((byte)0))
                _wire.Truncate(tagStart);
        }
    }

    private void List(FieldPlan field)
    {
        if (_json.TokenType != JsonTokenType.StartArray)
            throw Invalid("must be a list");
        var listStart = _wire.Length;
        var start = 0;
        if (field.CanPack)
        {
            _wire.Varint(field.PackedTag);
            start = _wire.OpenLength();
        }
        for (var index = 0; _json.Read() && _json.TokenType != JsonTokenType.EndArray; index++)
        {
            _trail.At(index);
            if (_json.TokenType == JsonTokenType.Null && !HoldsNull(field))
                throw Invalid("must not be null");
            if (!field.CanPack)
                _wire.Varint(field.Tag);
            Singular(field);
        }
        _trail.At(-1);
        if (field.CanPack && _wire.Length == start)
            _wire.Truncate(listStart);
        else if (field.CanPack)
            _wire.CloseLength(start);
    }

    private void Map(FieldPlan field)
    {
        if (
            _json.TokenType != JsonTokenType.StartObject
            || field.Message is not { Fields: [var key, var value] }
        )
            throw Invalid("must be an object");
        var keys = new SeenKeys(_wire, stackalloc Range[KeysOnStack]);
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            _wire.Varint(field.Tag);
            var start = _wire.OpenLength();
            _wire.Varint(key.Tag);
            var keyStart = _wire.Length;
            TextValue(key);
            var place = keyStart.._wire.Length;
            _trail.At((int)_json.TokenStartIndex);
            if (!keys.IsNew(place))
                throw Invalid("is given twice");
            _json.Read();
            if (_json.TokenType == JsonTokenType.Null && !HoldsNull(value))
                throw Invalid("must not be null");
            _wire.Varint(value.Tag);
            Singular(value, field.PlainAmount);
            keys.Keep(place, _wire.CloseLength(start));
            _trail.At(-1);
        }
    }

    private void Singular(FieldPlan field) => Singular(field, field.PlainAmount);

    private void Singular(FieldPlan field, bool isPlainAmount)
    {
        if (field.Message is { } message)
        {
            var start = _wire.OpenLength();
            if (isPlainAmount && _json.TokenType is JsonTokenType.Number or JsonTokenType.String)
                PlainAmount();
            else
                MessageBody(message);
            _wire.CloseLength(start);
            return;
        }
        switch (_json.TokenType)
        {
            case JsonTokenType.String when field.Type != FieldType.Bool:
                TextValue(field);
                return;
            case JsonTokenType.Number when ScalarText.TryWriteNumber(field, _json.ValueSpan, _wire):
                return;
            case JsonTokenType.True or JsonTokenType.False when field.Type == FieldType.Bool:
                _wire.Varint(_json.TokenType == JsonTokenType.True ? 1u : 0u);
                return;
            case JsonTokenType.Null when field.Enum is { IsNull: true }:
                _wire.Varint(0);
                return;
            default:
                throw Invalid(Expectations.Of(field));
        }
    }

    /// <summary>A scalar from the string or property name at hand.</summary>
    private void TextValue(FieldPlan field)
    {
        if (!_json.ValueIsEscaped)
        {
            if (!ScalarText.TryWrite(field, _json.ValueSpan, _wire))
                throw Invalid(Expectations.Of(field));
            return;
        }
        var rented = ArrayPool<byte>.Shared.Rent(_json.ValueSpan.Length);
        var isWritten = ScalarText.TryWrite(field, Unescape(rented), _wire);
        ArrayPool<byte>.Shared.Return(rented);
        if (!isWritten)
            throw Invalid(Expectations.Of(field));
    }

    private FieldPlan? FindField(MessagePlan plan)
    {
        if (!_json.ValueIsEscaped)
            return plan.Find(_json.ValueSpan);
        var rented = ArrayPool<byte>.Shared.Rent(_json.ValueSpan.Length);
        var field = plan.Find(Unescape(rented));
        ArrayPool<byte>.Shared.Return(rented);
        return field;
    }

    private ReadOnlySpan<byte> Unescape(Span<byte> buffer)
    {
        try
        {
            return buffer[.._json.CopyString(buffer)];
        }
        catch (InvalidOperationException)
        {
            throw Invalid("is not valid Unicode");
        }
    }

    private string TextOf()
    {
        if (!_json.ValueIsEscaped)
            return Utf8.IsValid(_json.ValueSpan)
                ? Encoding.UTF8.GetString(_json.ValueSpan)
                : throw Invalid("is not valid UTF-8");
        var rented = ArrayPool<byte>.Shared.Rent(_json.ValueSpan.Length);
        var text = Encoding.UTF8.GetString(Unescape(rented));
        ArrayPool<byte>.Shared.Return(rented);
        return text;
    }

    private static bool Mark(Span<ulong> seen, int flag)
    {
        var bit = 1ul << (flag & 63);
        var isNew = (seen[flag >> 6] & bit) == 0;
        seen[flag >> 6] |= bit;
        return isNew;
    }

    /// <summary>For Value and NullValue null is a value; everywhere else it means absent.</summary>
    private static bool HoldsNull(FieldPlan field) =>
        field.Message?.Shape == MessageShape.Value || field.Enum is { IsNull: true };

    private readonly BadRequestException Invalid(string description, string name = "") =>
        BadRequestException.Invalid(_trail.PathTo(name), description);

    private BadRequestException UnknownField(MessagePlan plan)
    {
        var name = FieldTrail.Shorten(TextOf());
        var elsewhere = plan.Fields.FirstOrDefault(field => field.Name == name && field.Header is not null);
        return elsewhere is { Header: { } header }
            ? new BadRequestException(
                Reason.UnknownField,
                _trail.PathTo(name),
                $"is given in the header {header.Name}"
            )
            : BadRequestException.Unknown(_trail.PathTo(name));
    }

    private readonly BadRequestException Malformed(JsonException e)
    {
        var place = $"line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}";
        var isDeep = _json.CurrentDepth >= DepthMax;
        return new BadRequestException(
            Reason.MalformedJson,
            "",
            isDeep ? $"nests deeper than {DepthMax} levels at {place}" : $"is not valid JSON at {place}"
        );
    }
}
