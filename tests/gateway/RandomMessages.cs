using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Souk.Tests.Gateway.Protos;

namespace Souk.Tests.Gateway;

/// <summary>Messages filled at random from a seed, edge values more often than others.</summary>
internal sealed class RandomMessages(int seed)
{
    private static readonly string[] OddTexts =
    [
        "",
        "a",
        "Zürich",
        "日本語",
        "\"quoted\" \\ / \b\f\n\r\t",
        "<b>&'+</b>",
        "😀 astral",
        "\u2028\u2029\u007f\u0001",
        "null",
        "1e3",
    ];

    private readonly Random _random = new(seed);

    public Everything Everything() => Fill(new Everything(), 0);

    public T Fill<T>(T message, int depth)
        where T : IMessage
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (_random.Next(3) != 0)
                continue;
            if (field.IsMap)
                FillMap(field, (System.Collections.IDictionary)field.Accessor.GetValue(message), depth);
            else if (field.IsRepeated)
                FillList(field, (System.Collections.IList)field.Accessor.GetValue(message), depth);
            else if (Value(field, depth) is { } value)
                field.Accessor.SetValue(message, value);
        }
        return message;
    }

    private void FillList(FieldDescriptor field, System.Collections.IList list, int depth)
    {
        for (var count = _random.Next(4); count > 0; count--)
        {
            if (Value(field, depth) is { } value)
                list.Add(value);
        }
    }

    private void FillMap(FieldDescriptor field, System.Collections.IDictionary map, int depth)
    {
        var key = field.MessageType.FindFieldByNumber(1);
        for (var count = _random.Next(4); count > 0; count--)
        {
            if (Value(field.MessageType.FindFieldByNumber(2), depth) is { } value)
                map[Value(key, depth)!] = value;
        }
    }

    private object? Value(FieldDescriptor field, int depth) =>
        field.FieldType switch
        {
            FieldType.Double => Pick(
                0,
                -0.0,
                1.5,
                1e300,
                5e-324,
                double.MaxValue,
                double.NaN,
                double.PositiveInfinity,
                _random.NextDouble()
            ),
            FieldType.Float => Pick(
                0,
                1.5f,
                float.MaxValue,
                float.Epsilon,
                float.NaN,
                float.NegativeInfinity,
                _random.NextSingle()
            ),
            FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => Pick(
                0,
                1,
                -1,
                int.MinValue,
                int.MaxValue,
                _random.Next()
            ),
            FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => Pick(
                0,
                -1,
                long.MinValue,
                long.MaxValue,
                _random.NextInt64()
            ),
            FieldType.UInt32 or FieldType.Fixed32 => Pick(0u, 1u, uint.MaxValue, (uint)_random.Next()),
            FieldType.UInt64 or FieldType.Fixed64 => Pick(
                0ul,
                1ul,
                ulong.MaxValue,
                (ulong)_random.NextInt64()
            ),
            FieldType.Bool => _random.Next(2) == 0,
            FieldType.String => Pick([.. OddTexts, new string('x', _random.Next(300))]),
            FieldType.Bytes => Bytes(),
            // C# enums of proto are set by their boxed value.
            FieldType.Enum => System.Enum.ToObject(
                field.EnumType.ClrType,
                field.EnumType.ClrType == typeof(NullValue) ? 0 : _random.Next(-1, 4)
            ),
            _ => Message(field.MessageType, depth),
        };

    private object? Message(MessageDescriptor type, int depth)
    {
        if (depth > 3)
            return null;
        if (type == Timestamp.Descriptor)
            return new Timestamp
            {
                Seconds = Pick(0, -62135596800, 253402300799, _random.Next()),
                Nanos = Nanos(),
            };
        if (type == Duration.Descriptor)
            return new Duration { Seconds = Pick(0, 315576000000 - 1, _random.Next()), Nanos = Nanos() };
        if (type == FieldMask.Descriptor)
            return new FieldMask { Paths = { "name", "price.currency" } };
        if (type == Struct.Descriptor)
            return new Struct { Fields = { ["a"] = JsonValue(depth), ["b.c"] = JsonValue(depth) } };
        if (type == Google.Protobuf.WellKnownTypes.Value.Descriptor)
            return JsonValue(depth);
        if (type == Any.Descriptor)
            return _random.Next(2) == 0
                ? Any.Pack(Fill(new Leaf(), depth + 1))
                : Any.Pack(new Timestamp { Seconds = 5 });
        if (type == StringValue.Descriptor)
            return Pick(OddTexts);
        if (type == Int64Value.Descriptor)
            return _random.NextInt64();
        if (type == BoolValue.Descriptor)
            return _random.Next(2) == 0;
        if (type == BytesValue.Descriptor)
            return Bytes();
        if (type == DoubleValue.Descriptor)
            return _random.NextDouble();
        return Fill((IMessage)Activator.CreateInstance(type.ClrType)!, depth + 1);
    }

    private Value JsonValue(int depth) =>
        (depth > 2 ? _random.Next(4) : _random.Next(6)) switch
        {
            0 => Google.Protobuf.WellKnownTypes.Value.ForNull(),
            1 => Google.Protobuf.WellKnownTypes.Value.ForNumber(_random.NextDouble() * 1e6),
            2 => Google.Protobuf.WellKnownTypes.Value.ForString(Pick(OddTexts)),
            3 => Google.Protobuf.WellKnownTypes.Value.ForBool(_random.Next(2) == 0),
            4 => Google.Protobuf.WellKnownTypes.Value.ForList(JsonValue(depth + 1), JsonValue(depth + 1)),
            _ => Google.Protobuf.WellKnownTypes.Value.ForStruct(
                new Struct { Fields = { ["a b"] = JsonValue(depth + 1), ["ß\""] = JsonValue(depth + 1) } }
            ),
        };

    private ByteString Bytes()
    {
        var bytes = new byte[_random.Next(70)];
        _random.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private int Nanos() => Pick(0, 1, 120_000_000, 120_450_000, 999_999_999);

    private T Pick<T>(params T[] values) => values[_random.Next(values.Length)];
}
