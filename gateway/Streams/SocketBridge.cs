using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;

namespace Souk.Gateway.Streams;

/// <summary>
/// Streams over WebSocket (K31), at the path that the RPC has in REST: a text frame for each message, in both
/// directions. Path and query fill fields of every message that the client sends.
/// </summary>
internal sealed class SocketBridge(
    Contracts contracts,
    SocketAdmission admission,
    StreamPump pump,
    RestEndpoint rest,
    GatewaySettings settings,
    TimeProvider clock
)
{
    public async Task<Problem?> ServeAsync(Exchange exchange)
    {
        var context = exchange.Context;
        var segments = new Range[RouteTable<Route>.SegmentsMax];
        var route = contracts.Table.Find(HttpMethods.Get, exchange.Path, segments, out var count);
        if (!context.WebSockets.IsWebSocketRequest || route is not { Rpc.IsStream: true })
            return await rest.ServeAsync(exchange);
        exchange.Route = route;
        using var slot = await admission.AdmitAsync(exchange, route.Rpc);
        using var call = new GrpcCall(route.Rpc.AppId, route.Rpc.Path)
        {
            Deadline = settings.StreamDeadline,
            Priority = route.Rpc.Traffic.Priority,
        };
        Bind(route, exchange, segments.AsSpan(0, count), call);
        exchange.WriteMetadata(call.Metadata);
        LongBody.Allow(context);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(Acceptance(context));
        exchange.IsAnswered = true;
        using var session = new SocketSession(socket, route, call, exchange, settings.BodyBytesMax, clock);
        return await session.RunAsync(pump);
    }

    private static void Bind(Route route, Exchange exchange, ReadOnlySpan<Range> segments, GrpcCall call)
    {
        var request = exchange.Context.Request;
        RequestBinder.Query(route, request.QueryString.Value, call.Message);
        RequestBinder.Path(route, exchange.Path, segments, call.Message);
        RequestBinder.Headers(route, request.Headers, call.Message);
        StreamPosition.Bind(route.Rpc, request.Headers, call.Message);
    }

    // A peer that does not answer two pings in time is gone; one that reads nothing cannot answer.
    private WebSocketAcceptContext Acceptance(HttpContext context) =>
        new()
        {
            SubProtocol = context.WebSockets.WebSocketRequestedProtocols.Contains(SocketAdmission.Subprotocol)
                ? SocketAdmission.Subprotocol
                : null,
            KeepAliveInterval = settings.Heartbeat,
            KeepAliveTimeout = settings.Heartbeat,
        };
}
