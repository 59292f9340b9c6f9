using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Souk.Gateway.Transcoding;

/// <summary>Messages with a JSON form of their own.</summary>
internal ref partial struct JsonToWire
{
    // Field numbers of google/protobuf/struct.proto and any.proto as ready tags.
    private const byte EntryTag = (1 << 3) | (byte)WireType.Length;
    private const byte EntryKeyTag = (1 << 3) | (byte)WireType.Length;
    private const byte EntryValueTag = (2 << 3) | (byte)WireType.Length;
    private const byte NullTag = 1 << 3;
    private const byte NumberTag = (2 << 3) | (byte)WireType.Fixed64;
    private const byte StringTag = (3 << 3) | (byte)WireType.Length;
    private const byte BoolTag = 4 << 3;
    private const byte StructTag = (5 << 3) | (byte)WireType.Length;
    private const byte ListTag = (6 << 3) | (byte)WireType.Length;
    private const byte TypeUrlTag = (1 << 3) | (byte)WireType.Length;
    private const byte AnyValueTag = (2 << 3) | (byte)WireType.Length;

    private void WellKnown(MessageShape shape)
    {
        switch (shape)
        {
            case MessageShape.Struct:
                Struct();
                break;
            case MessageShape.Value:
                Value();
                break;
            case MessageShape.ListValue:
                ListValue();
                break;
            default:
                OneText(shape);
                break;
        }
    }

    private void OneText(MessageShape shape)
    {
        if (_json.TokenType != JsonTokenType.String)
            throw Invalid(Expectations.Of(shape));
        var rented = _json.ValueIsEscaped ? ArrayPool<byte>.Shared.Rent(_json.ValueSpan.Length) : [];
        var text = _json.ValueIsEscaped ? Unescape(rented) : _json.ValueSpan;
        if (!WellKnownText.TryWrite(shape, text, _wire))
            throw Invalid(Expectations.Of(shape));
        if (rented.Length > 0)
            ArrayPool<byte>.Shared.Return(rented);
    }

    private void Struct()
    {
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Invalid(Expectations.Of(MessageShape.Struct));
        var keys = new SeenKeys(_wire, stackalloc Range[KeysOnStack]);
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            _wire.Varint(EntryTag);
            var start = _wire.OpenLength();
            _wire.Varint(EntryKeyTag);
            var keyStart = _wire.Length;
            Text();
            var place = keyStart.._wire.Length;
            if (!keys.IsNew(place))
                throw Invalid("is given twice", FieldTrail.Shorten(TextOf()));
            _json.Read();
            _wire.Varint(EntryValueTag);
            NestedValue();
            keys.Keep(place, _wire.CloseLength(start));
        }
    }

    /// <summary>The string or property name at hand.</summary>
    private void Text()
    {
        var rented = _json.ValueIsEscaped ? ArrayPool<byte>.Shared.Rent(_json.ValueSpan.Length) : [];
        var text = _json.ValueIsEscaped ? Unescape(rented) : _json.ValueSpan;
        if (!ScalarText.TryWriteString(text, _wire))
            throw Invalid(Expectations.OfText);
        if (rented.Length > 0)
            ArrayPool<byte>.Shared.Return(rented);
    }

    private void ListValue()
    {
        if (_json.TokenType != JsonTokenType.StartArray)
            throw Invalid(Expectations.Of(MessageShape.ListValue));
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            _wire.Varint(EntryTag);
            NestedValue();
        }
    }

    private void NestedValue()
    {
        var start = _wire.OpenLength();
        Value();
        _wire.CloseLength(start);
    }

    private void Value()
    {
        switch (_json.TokenType)
        {
            case JsonTokenType.Null:
                _wire.Varint(NullTag);
                _wire.Varint(0);
                break;
            case JsonTokenType.True or JsonTokenType.False:
                _wire.Varint(BoolTag);
                _wire.Varint(_json.TokenType == JsonTokenType.True ? 1u : 0u);
                break;
            case JsonTokenType.Number:
                if (
                    !Utf8Parser.TryParse(_json.ValueSpan, out double number, out _)
                    || !double.IsFinite(number)
                )
                    throw Invalid("must be a number that fits");
                _wire.Varint(NumberTag);
                _wire.Fixed64(BitConverter.DoubleToUInt64Bits(number));
                break;
            case JsonTokenType.String:
                _wire.Varint(StringTag);
                Text();
                break;
            case JsonTokenType.StartObject:
                _wire.Varint(StructTag);
                var objectStart = _wire.OpenLength();
                Struct();
                _wire.CloseLength(objectStart);
                break;
            default:
                _wire.Varint(ListTag);
                var listStart = _wire.OpenLength();
                ListValue();
                _wire.CloseLength(listStart);
                break;
        }
    }

    /// <summary>
    /// {"@type": "…/name", …}: the type may stand anywhere in the object, so it is looked up first.
    /// </summary>
    private void Any(MessagePlan any)
    {
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Invalid("must be an object with @type");
        if (TypeUrl() is not { } typeUrl)
        {
            Members(any.Without(any.Fields));
            return;
        }
        var name = typeUrl[(typeUrl.LastIndexOf('/') + 1)..];
        if (!typeUrl.Contains('/', StringComparison.Ordinal) || any.Types.Find(name) is not { } plan)
            throw Invalid("names no type known here", "@type");
        _wire.Varint(TypeUrlTag);
        _wire.Text(typeUrl);
        _wire.Varint(AnyValueTag);
        var start = _wire.OpenLength();
        if (plan.Shape == MessageShape.Fields)
            Members(plan, isInsideAny: true);
        else
            AnyValue(plan);
        _wire.CloseLength(start);
    }

    private void AnyValue(MessagePlan plan)
    {
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var isValue = _json.ValueTextEquals("value"u8);
            if (!isValue && !_json.ValueTextEquals("@type"u8))
                throw UnknownField(plan);
            _json.Read();
            if (isValue)
                MessageBody(plan);
        }
    }

    private readonly string? TypeUrl()
    {
        var ahead = _json;
        while (ahead.Read() && ahead.TokenType == JsonTokenType.PropertyName)
        {
            var isType = ahead.ValueTextEquals("@type"u8);
            ahead.Read();
            if (isType)
                return ahead.TokenType == JsonTokenType.String
                    ? Encoding.UTF8.GetString(ahead.ValueSpan)
                    : "";
            ahead.Skip();
        }
        return null;
    }
}
