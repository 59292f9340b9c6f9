using Souk.Gateway.Errors;
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
    private static readonly Task<Problem?> Answered = Task.FromResult<Problem?>(null);

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
        return SocketDoor.IsFor(context)
            ? sockets.HandleAsync(context)
            : guard.RunAsync(context, GrpcKind.None, ServeAsync);
    }

    private Task<Problem?> ServeAsync(Exchange exchange)
    {
        var (context, path) = (exchange.Context, exchange.Context.Request.Path.Value ?? "");
        if (HttpMethods.IsOptions(context.Request.Method) && cors.TryAnswerOptions(context, path))
            return Answered;
        if (own.TryHandle(context, path) is not { } answer)
            return rest.ServeAsync(exchange);
        exchange.OwnPath = path;
        return AnsweredAsync(answer);
    }

    private static async Task<Problem?> AnsweredAsync(Task answer)
    {
        await answer;
        return null;
    }
}
