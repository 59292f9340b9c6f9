using Souk.Gateway.Http;

namespace Souk.Gateway.Grpc;

/// <summary>Where gRPC calls go: to the contracts' RPCs, or to the services of the gateway itself.</summary>
internal sealed class GrpcDoor(RequestGuard guard, GrpcEndpoint grpc, OwnServices own)
{
    public Task HandleAsync(HttpContext context, GrpcKind kind) =>
        kind == GrpcKind.Native
            ? ServeAsync(context, kind)
            : GrpcWeb.RunAsync(context, kind, () => ServeAsync(context, kind));

    private Task ServeAsync(HttpContext context, GrpcKind kind)
    {
        if (kind == GrpcKind.Native && !HasTrailers(context.Request.Protocol))
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            context.Response.Headers.Upgrade = "h2c";
            return Task.CompletedTask;
        }
        return guard.RunAsync(
            context,
            kind,
            OwnServices.Has(context.Request.Path) ? own.ServeAsync : grpc.ServeAsync
        );
    }

    private static bool HasTrailers(string protocol) =>
        HttpProtocol.IsHttp2(protocol) || HttpProtocol.IsHttp3(protocol);
}
