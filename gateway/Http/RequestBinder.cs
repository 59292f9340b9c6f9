using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;
using Souk.Type;

namespace Souk.Gateway.Http;

/// <summary>
/// Makes an RPC's request of body, query, path and headers, in this order: what comes later wins on the wire,
/// so nobody can put into a body what the path or a header says otherwise.
/// </summary>
internal static class RequestBinder
{
    private const byte ContentTypeTag = (1 << 3) | (byte)WireType.Length;
    private const byte DataTag = (2 << 3) | (byte)WireType.Length;
    private const double DeadlineSecondsMin = 0.05;
    private const int DeadlineSecondsMax = 120;
    private const int UrlTextBytesMax = 16 * 1024;

    /// <summary>Whether the body may be JSON for this route; a body of its own type takes anything.</summary>
    public static bool TakesMediaType(Route route, string? contentType)
    {
        if (route.Body == BodyKind.Raw || string.IsNullOrEmpty(contentType))
            return true;
        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        var type = (end < 0 ? contentType : contentType.AsSpan(0, end)).Trim();
        return type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || (
                type.StartsWith("application/", StringComparison.OrdinalIgnoreCase)
                && type.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
            );
    }

    public static void Body(Route route, string? contentType, ReadOnlySpan<byte> body, PooledBuffer wire)
    {
        switch (route.Body)
        {
            case BodyKind.Raw:
                Raw(route, contentType ?? "", body, wire);
                break;
            case BodyKind.Field when body.Length > 0 && route.BodyField is { } field:
                JsonToWire.Field(field, body, wire);
                break;
            case BodyKind.Whole when body.Length > 0:
                JsonToWire.Message(route.BodyPlan, body, wire);
                break;
            case BodyKind.None when body.Length > 0:
                // Some clients send {} with everything; anything more is a mistake that should not pass
                // unseen.
                JsonToWire.Message(route.EmptyPlan, body, wire);
                break;
        }
    }

    public static void Query(Route route, string? query, PooledBuffer wire)
    {
        if (string.IsNullOrEmpty(query))
            return;
        HashSet<string>? seen = null;
        foreach (var pair in new QueryStringEnumerable(query))
        {
            var name = pair.DecodeName().ToString();
            var shown = FieldTrail.Shorten(name);
            var field = route.QueryField(name) ?? throw BadRequestException.Unknown(shown);
            if (!field.Leaf.IsRepeated && !(seen ??= []).Add(field.Name))
                throw BadRequestException.Invalid(shown, "is given twice");
            Write(field, shown, pair.DecodeValue().Span, wire);
        }
    }

    public static void Path(
        Route route,
        ReadOnlySpan<char> path,
        ReadOnlySpan<Range> segments,
        PooledBuffer wire
    )
    {
        foreach (var variable in route.Variables)
        {
            if (variable.End == variable.Start + 1)
                Write(variable.Field, variable.Field.Name, Decode(path[segments[variable.Start]]), wire);
            else
                Write(variable.Field, variable.Field.Name, Several(variable, path, segments), wire);
        }
    }

    /// <summary>Returns the seconds that the caller wants to wait for a result.</summary>
    public static int Headers(Route route, IHeaderDictionary headers, PooledBuffer wire)
    {
        var wait = 0;
        foreach (var field in route.Rpc.HeaderFields)
        {
            if (field.Read(headers[field.Name]) is not { } text)
                continue;
            field.Write(text, wire);
            if (field.IsWait)
                wait = int.Parse(text, CultureInfo.InvariantCulture);
        }
        return wait;
    }

    /// <summary>
    /// The usual deadline, or the one that X-Request-Timeout asks for, in seconds, within bounds.
    /// </summary>
    public static TimeSpan Deadline(IHeaderDictionary headers, TimeSpan usual)
    {
        if (headers["X-Request-Timeout"] is not [{ } text])
            return usual;
        return
            double.TryParse(
                text,
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var seconds
            )
            && seconds >= DeadlineSecondsMin
            && seconds <= DeadlineSecondsMax
            ? TimeSpan.FromSeconds(seconds)
            : throw BadRequestException.Invalid(
                "X-Request-Timeout",
                $"must be {DeadlineSecondsMin.ToString(CultureInfo.InvariantCulture)} to {DeadlineSecondsMax} seconds"
            );
    }

    private static void Raw(Route route, string contentType, ReadOnlySpan<byte> body, PooledBuffer wire)
    {
        var start = 0;
        if (route.BodyField is { } field)
        {
            wire.Varint(field.Tag);
            start = wire.OpenLength();
        }
        wire.Varint(ContentTypeTag);
        wire.Text(contentType);
        wire.Varint(DataTag);
        wire.Bytes(body);
        if (route.BodyField is not null)
            wire.CloseLength(start);
    }

    private static void Write(FieldPath field, string name, ReadOnlySpan<char> text, PooledBuffer wire)
    {
        Span<byte> small = stackalloc byte[256];
        var length = Encoding.UTF8.GetByteCount(text);
        if (length > UrlTextBytesMax)
            throw new BadRequestException(
                Reason.InvalidField,
                name,
                $"must have at most {UrlTextBytesMax} bytes"
            );
        var utf8 = length <= small.Length ? small : new byte[length];
        length = Encoding.UTF8.GetBytes(text, utf8);
        if (!field.TryWrite(utf8[..length], wire))
            throw BadRequestException.Invalid(name, Expectations.Of(field.Leaf));
    }

    // A slash inside a segment stays encoded where the variable spans several, or nobody could tell it from
    // the others.
    private static string Several(
        PathVariable variable,
        ReadOnlySpan<char> path,
        ReadOnlySpan<Range> segments
    )
    {
        var text = new StringBuilder();
        var end = variable.End < 0 ? segments.Length : variable.End;
        for (var at = variable.Start; at < end; at++)
        {
            text.Append(at > variable.Start ? "/" : "");
            text.Append(Decode(path[segments[at]]).ToString().Replace("/", "%2F", StringComparison.Ordinal));
        }
        return text.ToString();
    }

    private static ReadOnlySpan<char> Decode(ReadOnlySpan<char> segment) =>
        segment.Contains('%') ? Uri.UnescapeDataString(segment) : segment;
}
