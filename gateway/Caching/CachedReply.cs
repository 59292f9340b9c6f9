namespace Souk.Gateway.Caching;

/// <summary>A reply as it is sent: rendered and compressed once.</summary>
/// <param name="Message">The wire bytes, for the headers that its fields fill.</param>
/// <param name="ContentType">The body's media type.</param>
/// <param name="Body">The body as it is.</param>
/// <param name="Packed">The body compressed, where that is worth it.</param>
/// <param name="Tags">What it tells of: it is forgotten when one of these changes.</param>
/// <param name="MadeAt">When the service said it.</param>
/// <param name="Until">When it is too old to be told.</param>
internal sealed record CachedReply(
    byte[] Message,
    string ContentType,
    byte[] Body,
    byte[]? Packed,
    IReadOnlyList<string> Tags,
    DateTimeOffset MadeAt,
    DateTimeOffset Until
)
{
    /// <summary>About what it costs to keep.</summary>
    public int Bytes => Message.Length + Body.Length + (Packed?.Length ?? 0) + 256;
}
