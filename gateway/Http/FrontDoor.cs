using Souk.Gateway.Grpc;
using Souk.Gateway.Security;
using Souk.Gateway.Streams;

namespace Souk.Gateway.Http;

/// <summary>
/// What every request passes first: headers for browsers, the gateway's own paths, then the contracts'
/// routes.
/// </summary>
internal sealed class FrontDoor(
    RequestGuard guard,
    RestEndpoint rest,
    GrpcDoor grpc,
    SocketDoor sockets,
    OwnPaths own,
    Cors cors
)
{
    public Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (context.Request.IsHttps)
            context.Response.Headers.StrictTransportSecurity = "max-age=31536000";
        cors.Apply(context);
        var kind = GrpcKinds.Of(context.Request);
        return kind == GrpcKind.None ? ServeAsync(context) : grpc.HandleAsync(context, kind);
    }

    private Task ServeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        headers["Referrer-Policy"] = "no-referrer";
        var path = context.Request.Path.Value ?? "";
        if (HttpMethods.IsOptions(context.Request.Method) && cors.TryAnswerOptions(context, path))
            return Task.CompletedTask;
        if (SocketDoor.IsFor(context))
            return sockets.HandleAsync(context);
        return own.TryHandle(context, path) ?? guard.RunAsync(context, GrpcKind.None, rest.ServeAsync);
    }
}
