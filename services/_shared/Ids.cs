namespace Souk.Shared;

/// <summary>
/// Ids are UUIDv7: ordered by time, so indexes grow at one end. On the wire they carry the resource's prefix:
/// "ord_" and 32 hexadecimal digits; columns are plain uuid.
/// </summary>
public static class Ids
{
    private const int HexDigits = 32;

    /// <summary>A new id for a column.</summary>
    public static Guid New(TimeProvider clock) => Guid.CreateVersion7(clock.GetUtcNow());

    /// <summary>A new id in its wire form.</summary>
    public static string New(string prefix, TimeProvider clock) => Text(prefix, New(clock));

    /// <summary>The wire form of an id.</summary>
    public static string Text(string prefix, Guid id) =>
        string.Create(
            prefix.Length + 1 + HexDigits,
            (prefix, id),
            static (span, state) =>
            {
                state.prefix.CopyTo(span);
                span[state.prefix.Length] = '_';
                state.id.TryFormat(span[(state.prefix.Length + 1)..], out _, "N");
            }
        );

    /// <summary>
    /// Reads a wire id that names a resource; what cannot be an id names nothing: NOT_FOUND.
    /// </summary>
    public static Guid Parse(string prefix, string text) =>
        TryParse(prefix, text, out var id) ? id : throw Fault.NotFound(text);

    /// <summary>
    /// Reads a wire id that a body's field carries; what cannot be an id is INVALID_ARGUMENT.
    /// </summary>
    public static Guid ParseField(string prefix, string text, string field) =>
        TryParse(prefix, text, out var id)
            ? id
            : throw Fault.InvalidArgument(field, $"must look like {prefix}_ and 32 hexadecimal digits");

    /// <summary>Reads a wire id; false when it has another prefix or shape.</summary>
    public static bool TryParse(string prefix, string text, out Guid id)
    {
        id = default;
        return text.Length == prefix.Length + 1 + HexDigits
            && text[prefix.Length] == '_'
            && text.StartsWith(prefix, StringComparison.Ordinal)
            && Guid.TryParseExact(text.AsSpan(prefix.Length + 1), "N", out id);
    }
}
