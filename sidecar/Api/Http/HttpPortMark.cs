using Microsoft.AspNetCore.Http;

namespace Souk.Sidecar.Api.Http;

/// <summary>Marks the connections to the HTTP port, whichever version of HTTP they speak.</summary>
internal sealed class HttpPortMark
{
    public static HttpPortMark Mark { get; } = new();

    /// <summary>HTTP/2 means gRPC everywhere but on the HTTP port.</summary>
    public static bool IsGrpc(HttpContext context) =>
        HttpProtocol.IsHttp2(context.Request.Protocol) && context.Features.Get<HttpPortMark>() is null;
}
