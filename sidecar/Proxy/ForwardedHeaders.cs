using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Souk.Sidecar.Proxy;

/// <summary>Copies headers and trailers between the two sides of a proxied call.</summary>
internal static class ForwardedHeaders
{
    public const string CallerAppId = "dapr-caller-app-id";
    public const string CallerNamespace = "dapr-caller-namespace";
    public const string CalleeAppId = "dapr-callee-app-id";
    public const string AppId = "dapr-app-id";
    public const string ApiToken = "dapr-api-token";

    public static void CopyToApp(HttpRequest from, HttpRequestMessage to)
    {
        foreach (var (name, values) in from.Headers)
        {
            if (IsOfConnection(name) || IsOfCaller(name))
                continue;
            var added =
                values.Count == 1
                    ? to.Headers.TryAddWithoutValidation(name, values[0])
                    : to.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            if (!added)
                to.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    public static void CopyToCaller(HttpResponseMessage from, HttpResponse to)
    {
        Copy(from.Headers.NonValidated, to.Headers);
        Copy(from.Content.Headers.NonValidated, to.Headers);
    }

    public static void CopyTrailers(HttpResponseMessage from, HttpResponse to)
    {
        if (!to.SupportsTrailers())
            return;
        foreach (var (name, values) in from.TrailingHeaders.NonValidated)
        {
            foreach (var value in values)
                to.AppendTrailer(name, value);
        }
    }

    private static void Copy(HttpHeadersNonValidated from, IHeaderDictionary to)
    {
        foreach (var (name, values) in from)
        {
            if (!IsOfConnection(name))
                to[name] = values.Count == 1 ? values.ToString() : values.ToArray();
        }
    }

    // What belongs to one connection, and pseudo headers, which each side sets by itself. "te" stays: gRPC
    // needs it.
    public static bool IsOfConnection(string name) =>
        name.Length == 0
        || name[0] == ':'
        || Is(name, HeaderNames.Host)
        || Is(name, HeaderNames.Connection)
        || Is(name, HeaderNames.TransferEncoding)
        || Is(name, HeaderNames.KeepAlive)
        || Is(name, HeaderNames.Upgrade)
        || Is(name, "proxy-connection");

    /// <summary>What sidecars say to each other and to apps: no caller may say it.</summary>
    public static bool IsOfSidecar(string name) =>
        IsOfCaller(name) || Is(name, CalleeAppId) || Is(name, AppId);

    private static bool IsOfCaller(string name) =>
        Is(name, ApiToken) || Is(name, CallerAppId) || Is(name, CallerNamespace);

    public static bool Is(string name, string other) =>
        name.Equals(other, StringComparison.OrdinalIgnoreCase);
}
