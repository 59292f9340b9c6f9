using System.Diagnostics;
using System.Net;
using Grpc.Core;
using Microsoft.Extensions.Primitives;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar.Invoke;

/// <summary>Headers of an invocation, on the way to the app and back.</summary>
internal static class InvokeHeaders
{
    private static readonly string HostName = Dns.GetHostName();

    // Headers that HTTP itself defines reach gRPC apps under a prefix: as metadata they would mean the call
    // to the app, not the caller's request.
    private static readonly HashSet<string> OfHttp = new(StringComparer.OrdinalIgnoreCase)
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "accept-ranges",
        "cache-control",
        "content-type",
        "cookie",
        "date",
        "expect",
        "from",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-schedule-tag-match",
        "if-unmodified-since",
        "max-forwards",
        "origin",
        "pragma",
        "referer",
        "user-agent",
        "via",
        "warning",
    };

    /// <summary>The caller's headers, and what a sidecar adds for the app.</summary>
    public static List<KeyValuePair<string, StringValues>> ForApp(
        IEnumerable<KeyValuePair<string, StringValues>> given,
        Caller caller,
        string calleeId,
        IPAddress? remote
    )
    {
        var headers = given
            .Where(header =>
                !ForwardedHeaders.IsOfConnection(header.Key) && !ForwardedHeaders.IsOfSidecar(header.Key)
            )
            .ToList();
        Add(headers, ForwardedHeaders.CallerAppId, caller.AppId);
        if (caller.Namespace.Length > 0)
            Add(headers, ForwardedHeaders.CallerNamespace, caller.Namespace);
        Add(headers, ForwardedHeaders.CalleeAppId, calleeId);
        if (!headers.Exists(header => ForwardedHeaders.Is(header.Key, "traceparent")))
            Add(headers, "traceparent", NewTrace());
        if (caller.IsRemote)
            return headers;
        var address = remote?.ToString() ?? "127.0.0.1";
        Append(headers, "X-Forwarded-For", address);
        Append(headers, "X-Forwarded-Host", HostName);
        Append(headers, "Forwarded", $"for={address};by={address};host={HostName}");
        return headers;
    }

    public static Metadata ToMetadata(
        IEnumerable<KeyValuePair<string, StringValues>> headers,
        Metadata metadata
    )
    {
        foreach (var (name, values) in headers)
        {
            if (ForwardedHeaders.Is(name, "content-length"))
                continue;
            var key = (OfHttp.Contains(name) ? "dapr-" + name : name).ToLowerInvariant();
            if (key.StartsWith("grpc-", StringComparison.Ordinal) || key == "te")
                continue;
            foreach (var value in values)
                Add(metadata, key, value ?? "");
        }
        return metadata;
    }

    /// <summary>A call's metadata as headers; without what gRPC says to itself.</summary>
    public static IEnumerable<KeyValuePair<string, StringValues>> FromMetadata(Metadata metadata) =>
        metadata
            .Where(entry => !IsOfGrpc(entry.Key))
            .GroupBy(entry => entry.Key)
            .Select(group => KeyValuePair.Create(group.Key, new StringValues([.. group.Select(Text)])));

    public static void CopyTo(HttpResponseMessage response, Metadata metadata)
    {
        foreach (var entry in metadata)
        {
            if (!IsOfGrpc(entry.Key) && !entry.IsBinary)
                response.Headers.TryAddWithoutValidation(entry.Key, entry.Value);
        }
    }

    /// <summary>The headers of an answer as metadata for a caller by gRPC.</summary>
    public static Metadata ToMetadata(HttpResponseMessage response)
    {
        var metadata = new Metadata();
        foreach (
            var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated)
        )
        {
            var key = name.ToLowerInvariant();
            if (ForwardedHeaders.IsOfConnection(key) || IsOfGrpc(key) || key is "content-length" or "date")
                continue;
            foreach (var value in values)
                Add(metadata, key, value);
        }
        return metadata;
    }

    private static string Text(Metadata.Entry entry) =>
        entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes) : entry.Value;

    public static bool IsOfGrpc(string key) =>
        key is "content-type" or "te" || key.StartsWith("grpc-", StringComparison.Ordinal);

    // gRPC allows fewer characters than HTTP does; what it cannot carry stays behind.
    private static void Add(Metadata metadata, string key, string value)
    {
        if (key.EndsWith("-bin", StringComparison.Ordinal))
        {
            var bytes = new byte[value.Length];
            if (Convert.TryFromBase64String(value, bytes, out var length))
                metadata.Add(key, bytes[..length]);
        }
        else if (IsKey(key) && value.All(letter => letter is >= ' ' and <= '~'))
        {
            metadata.Add(key, value);
        }
    }

    private static bool IsKey(string key) =>
        key.Length > 0
        && key.All(letter =>
            char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '_' or '.'
        );

    private static void Add(List<KeyValuePair<string, StringValues>> headers, string name, string value) =>
        headers.Add(KeyValuePair.Create(name, new StringValues(value)));

    private static void Append(List<KeyValuePair<string, StringValues>> headers, string name, string value)
    {
        var at = headers.FindIndex(header => ForwardedHeaders.Is(header.Key, name));
        if (at < 0)
            Add(headers, name, value);
        else
            headers[at] = KeyValuePair.Create(name, new StringValues($"{headers[at].Value}, {value}"));
    }

    // Not sampled: nobody has asked for this trace.
    private static string NewTrace() =>
        $"00-{ActivityTraceId.CreateRandom().ToHexString()}-{ActivitySpanId.CreateRandom().ToHexString()}-00";
}
