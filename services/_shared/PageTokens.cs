using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Souk.Type;

namespace Souk.Shared;

/// <summary>
/// Keyset pages. A page token holds the last row's keys; it is signed, and bound to the list and filter that
/// it was made for, so that a token is never more than "go on".
/// </summary>
public sealed class PageTokens(ServiceSettings settings)
{
    /// <summary>Rows on a page when the caller does not say.</summary>
    public const int SizeDefault = 50;

    /// <summary>Most rows on a page; a larger wish is cut down to it.</summary>
    public const int SizeMax = 1000;

    private const int SignatureLength = 16;

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256,
        System.Text.Encoding.UTF8.GetBytes(settings.MeshSecret),
        32,
        info: "page tokens"u8.ToArray()
    );

    /// <summary>Reads a list request's paging fields.</summary>
    /// <param name="list">The RPC's name: a token of one list is no token of another.</param>
    /// <param name="filter">Everything else in the request that decides which rows are listed, and in what
    /// order.</param>
    public Page Open(string list, int pageSize, string pageToken, params ReadOnlySpan<object?> filter)
    {
        if (pageSize < 0)
            throw Fault.InvalidArgument("page_size", "must not be negative");
        var size = pageSize == 0 ? SizeDefault : Math.Min(pageSize, SizeMax);
        var scope = JsonSerializer.SerializeToUtf8Bytes<object?[]>([list, .. filter]);
        return new Page(this, scope, size, pageToken.Length == 0 ? null : Read(scope, pageToken));
    }

    internal string Write(byte[] scope, object?[] keys)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(keys);
        return Base64Url.EncodeToString([.. Sign(scope, payload), .. payload]);
    }

    private JsonElement[] Read(byte[] scope, string token)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(token);
            if (bytes.Length <= SignatureLength)
                throw Invalid();
            var payload = bytes.AsSpan(SignatureLength);
            return CryptographicOperations.FixedTimeEquals(
                bytes.AsSpan(0, SignatureLength),
                Sign(scope, payload)
            )
                ? JsonSerializer.Deserialize<JsonElement[]>(payload) ?? throw Invalid()
                : throw Invalid();
        }
        catch (FormatException)
        {
            throw Invalid();
        }
    }

    private ReadOnlySpan<byte> Sign(ReadOnlySpan<byte> scope, ReadOnlySpan<byte> payload) =>
        HMACSHA256.HashData(_key, (byte[])[.. SHA256.HashData(scope), .. payload]).AsSpan(0, SignatureLength);

    private static Exception Invalid() =>
        Fault.InvalidArgument(
            Reason.PageTokenInvalid,
            "page_token",
            "is damaged or was made for another list or filter"
        );
}

/// <summary>The page that a request asks for.</summary>
public sealed class Page
{
    private readonly PageTokens _tokens;
    private readonly byte[] _scope;
    private readonly JsonElement[]? _after;

    internal Page(PageTokens tokens, byte[] scope, int size, JsonElement[]? after)
    {
        _tokens = tokens;
        _scope = scope;
        _after = after;
        Size = size;
    }

    /// <summary>Rows on the page.</summary>
    public int Size { get; }

    /// <summary>For the SQL's limit: one row more than the page tells whether there is a next one.</summary>
    public int Limit => Size + 1;

    /// <summary>Whether this is the first page.</summary>
    public bool IsFirst => _after is null;

    /// <summary>A key of the last row before this page, as an SQL argument; null on the first page.</summary>
    public object? After<T>(int index)
        where T : notnull => _after is null ? null : _after[index].Deserialize<T>();

    /// <summary>
    /// The token of the page that begins after a row, for a page that ends before it is full.
    /// </summary>
    public string After(object?[] keys) => _tokens.Write(_scope, keys);

    /// <summary>
    /// Cuts the rows down to the page and gives the next page's token; empty on the last page.
    /// </summary>
    /// <param name="rows">At most <see cref="Limit"/> rows.</param>
    /// <param name="keys">The ordering keys of a row, in the order that <see cref="After"/> reads
    /// them.</param>
    public string Next<T>(List<T> rows, Func<T, object?[]> keys)
    {
        if (rows.Count <= Size)
            return "";
        rows.RemoveRange(Size, rows.Count - Size);
        return _tokens.Write(_scope, keys(rows[^1]));
    }
}
