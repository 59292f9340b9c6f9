using System.Globalization;

namespace Souk.Shared;

/// <summary>
/// A row's version as the opaque text that callers send back to say which version they have seen.
/// </summary>
public static class Etag
{
    /// <summary>The etag of a version.</summary>
    public static string Of(long version) => "v" + version.ToString(CultureInfo.InvariantCulture);

    /// <summary>The version that a caller has seen; null when none was sent or any will do ("*").</summary>
    public static long? Parse(string etag, string field = "etag")
    {
        var text = etag.AsSpan().Trim();
        if (text.Length == 0 || text is "*")
            return null;
        // HTTP quotes etags, and a proxy that compresses marks them weak.
        if (text.StartsWith("W/"))
            text = text[2..];
        text = text.Trim('"');
        return
            text.StartsWith("v")
            && long.TryParse(text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw Fault.InvalidArgument(field, "is not an etag of this resource");
    }

    /// <summary>
    /// ABORTED/VERSION_CONFLICT when the caller has seen another version than the present one.
    /// </summary>
    public static void Check(string etag, long version, string name)
    {
        if (Parse(etag) is { } seen && seen != version)
            throw Fault.VersionConflict(name);
    }
}
