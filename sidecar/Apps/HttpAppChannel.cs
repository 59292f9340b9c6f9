using System.Net;
using Souk.Sidecar.Files;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar;

/// <summary>
/// The line to an app that speaks HTTP: version 1.1, or 2 without TLS for the protocol <c>h2c</c>.
/// </summary>
internal sealed class HttpAppChannel(AppSpec app, HttpMessageHandler transport, string? token) : IDisposable
{
    private static readonly UriCreationOptions AsGiven = new()
    {
        DangerousDisablePathAndQueryCanonicalization = true,
    };

    private readonly HttpMessageInvoker _invoker = new(transport, disposeHandler: false);
    private readonly Version _version = app.Protocol == "h2c" ? HttpVersion.Version20 : HttpVersion.Version11;

    /// <summary>Protocols of an app that this class speaks; the others are gRPC.</summary>
    public static bool Speaks(string protocol) => protocol is "http" or "https" or "h2c";

    /// <summary>
    /// A request to a path of the app, which may have a query; the app's token is on it already.
    /// </summary>
    public HttpRequestMessage Request(HttpMethod method, string path)
    {
        var slash = path.StartsWith('/') ? "" : "/";
        var request = new HttpRequestMessage(method, new Uri(app.Origin + slash + path, AsGiven))
        {
            Version = _version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (token is not null)
            request.Headers.TryAddWithoutValidation(ForwardedHeaders.ApiToken, token);
        return request;
    }

    /// <summary>
    /// Sends and returns with the headers; the body is read from the response's stream. Fails with
    /// HttpRequestException when the app cannot be reached or breaks off.
    /// </summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation) =>
        _invoker.SendAsync(request, cancellation);

    public void Dispose() => _invoker.Dispose();
}
