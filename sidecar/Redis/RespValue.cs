using System.Globalization;
using System.Text;

namespace Souk.Sidecar.Redis;

internal enum RespKind : byte
{
    Null,
    Text,
    Error,
    Integer,
    Bytes,
    Array,
}

/// <summary>One reply of the server.</summary>
internal readonly struct RespValue
{
    private readonly byte[]? _bytes;
    private readonly RespValue[]? _items;
    private readonly long _integer;

    private RespValue(RespKind kind, byte[]? bytes, RespValue[]? items, long integer)
    {
        Kind = kind;
        _bytes = bytes;
        _items = items;
        _integer = integer;
    }

    public RespKind Kind { get; }

    public bool IsNull => Kind == RespKind.Null;

    public bool IsError => Kind == RespKind.Error;

    public byte[] Bytes => _bytes ?? [];

    public RespValue[] Items => _items ?? [];

    public string Text =>
        Kind == RespKind.Integer
            ? _integer.ToString(CultureInfo.InvariantCulture)
            : Encoding.UTF8.GetString(_bytes ?? []);

    public long Integer =>
        Kind == RespKind.Integer
            ? _integer
            : long.Parse(Text, NumberStyles.Integer, CultureInfo.InvariantCulture);

    public static RespValue OfBytes(RespKind kind, byte[] bytes) => new(kind, bytes, null, 0);

    public static RespValue OfInteger(long value) => new(RespKind.Integer, null, null, value);

    public static RespValue OfItems(RespValue[] items) => new(RespKind.Array, null, items, 0);

    /// <summary>The value itself, or the server's error as an exception.</summary>
    public RespValue OrThrow() => IsError ? throw new RedisServerException(Text) : this;
}
