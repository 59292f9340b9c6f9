using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebSockets;
using Souk.Gateway.Grpc;
using Souk.Gateway.Http;

namespace Souk.Gateway.Streams;

/// <summary>
/// Where WebSocket handshakes go, by HTTP/1.1's upgrade or HTTP/2's extended CONNECT. All other requests
/// never see it.
/// </summary>
internal sealed class SocketDoor
{
    private const string Protocol = "websocket";

    private readonly RequestGuard _guard;
    private readonly SocketBridge _bridge;
    private readonly WebSocketMiddleware _handshake;

    public SocketDoor(RequestGuard guard, SocketBridge bridge, ILoggerFactory logs)
    {
        (_guard, _bridge) = (guard, bridge);
        var options = Microsoft.Extensions.Options.Options.Create(new WebSocketOptions());
        _handshake = new WebSocketMiddleware(ServeAsync, options, logs);
    }

    public static bool IsFor(HttpContext context) =>
        Protocol.Equals(context.Request.Headers.Upgrade, StringComparison.OrdinalIgnoreCase)
        || (
            HttpMethods.IsConnect(context.Request.Method)
            && context.Features.Get<IHttpExtendedConnectFeature>() is { Protocol: Protocol }
        );

    public Task HandleAsync(HttpContext context) => _handshake.Invoke(context);

    private Task ServeAsync(HttpContext context) =>
        _guard.RunAsync(context, GrpcKind.None, _bridge.ServeAsync);
}
