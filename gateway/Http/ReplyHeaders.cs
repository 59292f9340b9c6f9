using System.Text;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Http;

/// <summary>Headers that a reply's fields fill, and what may be cached.</summary>
internal static class ReplyHeaders
{
    // X-17 allows 5 seconds until a change is seen everywhere; the entity tag makes asking again cheap.
    private const string PublicCaching = "public, max-age=5";
    private const string Vary = "Accept-Encoding, Accept-Language, Authorization, Origin";
    private const string PrivateCaching = "private, no-cache";

    /// <summary>Sets the headers. True when the caller already has what the reply says: 304.</summary>
    public static bool Apply(Route route, HttpContext context, ReadOnlySpan<byte> message, bool isAnonymous)
    {
        var headers = context.Response.Headers;
        string? etag = null;
        foreach (var field in route.Rpc.ResponseHeaders)
        {
            var value = TextOf(field, message);
            if (field.Header is not { } header || value.Length == 0 || !IsSendable(value))
                continue;
            if (header.Name == "ETag")
                etag = value = $"\"{value.Trim('"')}\"";
            headers[header.Name] = value;
        }
        headers.CacheControl = Caching(route, isAnonymous, etag);
        if (route.IsSafe)
            headers.Vary = headers.Vary.Contains("Cookie") ? $"{Vary}, Cookie" : Vary;
        return etag is not null
            && route.IsSafe
            && Matches(context.Request.Headers.IfNoneMatch.ToString(), etag);
    }

    private static string Caching(Route route, bool isAnonymous, string? etag)
    {
        if (!route.IsSafe)
            return "no-store";
        if (!isAnonymous)
            return PrivateCaching;
        if (route.Rpc.Traffic is { CacheControl: { } said })
            return said;
        return etag is not null ? PublicCaching : PrivateCaching;
    }

    /// <summary>Whether a tag is among those that the caller has.</summary>
    public static bool Matches(string ifNoneMatch, string etag)
    {
        foreach (var range in ifNoneMatch.AsSpan().Split(','))
        {
            var tag = ifNoneMatch.AsSpan(range).Trim();
            if (tag is "*" || (tag.StartsWith("W/") ? tag[2..] : tag).SequenceEqual(etag))
                return true;
        }
        return false;
    }

    private static string TextOf(FieldPlan field, ReadOnlySpan<byte> message)
    {
        var text = "";
        var reader = new WireReader(message);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number == field.Number && type == WireType.Length)
                text = Encoding.UTF8.GetString(reader.Bytes());
            else
                reader.Skip(type);
        }
        return text;
    }

    private static bool IsSendable(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
