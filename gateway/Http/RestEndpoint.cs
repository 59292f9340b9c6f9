using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Routing;
using Souk.Gateway.Security;
using Souk.Gateway.Streams;
using Souk.Gateway.Transcoding;
using Souk.Shared;
using Reason = Souk.Type.Reason;

namespace Souk.Gateway.Http;

/// <summary>Serves every route of the contracts: match, admit, bind, call, answer.</summary>
internal sealed class RestEndpoint(
    Contracts contracts,
    AccessGate gate,
    RateGate rates,
    StreamEndpoint streams,
    UnaryCalls calls,
    GatewaySettings settings
)
{
    public async Task<Problem?> ServeAsync(Exchange exchange)
    {
        var context = exchange.Context;
        var segments = new Range[RouteTable<Route>.SegmentsMax];
        exchange.Route = contracts.Table.Find(exchange.Method, exchange.Path, segments, out var count);
        rates.CheckAddress(exchange);
        if (exchange.Route is not { } route)
            return NoRoute(exchange);
        if (route.Rpc.IsClientStreaming)
            throw Fault.FailedPrecondition(
                Reason.UpgradeRequired,
                "The RPC takes a stream: call it by gRPC or WebSocket."
            );
        var authorization = context.Request.Headers.Authorization;
        exchange.Caller = await gate.AdmitAsync(route.Rpc, authorization, context.RequestAborted);
        rates.CheckUser(exchange);
        using var call = new GrpcCall(route.Rpc.AppId, route.Rpc.Path)
        {
            Priority = route.Rpc.Traffic.Priority,
        };
        await BindAsync(route, exchange, segments.AsMemory(0, count), call);
        exchange.WriteMetadata(call.Metadata);
        if (route.Rpc.IsServerStreaming)
            return await streams.ServeAsync(exchange, route, call);
        using var deadline = Deadline.Begin(call.Deadline, context.RequestAborted);
        return await calls.ServeAsync(exchange, route, call, deadline.Token);
    }

    private async Task BindAsync(
        Route route,
        Exchange exchange,
        ReadOnlyMemory<Range> segments,
        GrpcCall call
    )
    {
        var request = exchange.Context.Request;
        using var body = new PooledBuffer();
        await BodyReader.ReadAsync(exchange.Context, body, settings.BodyBytesMax);
        if (body.Length > 0 && !RequestBinder.TakesMediaType(route, request.ContentType))
            throw new BadRequestException(
                Reason.UnsupportedMediaType,
                "Content-Type",
                "must be application/json"
            );
        RequestBinder.Body(route, request.ContentType, body.Written, call.Message);
        RequestBinder.Query(route, request.QueryString.Value, call.Message);
        RequestBinder.Path(route, exchange.Path, segments.Span, call.Message);
        var wait = RequestBinder.Headers(route, request.Headers, call.Message);
        StreamPosition.Bind(route.Rpc, request.Headers, call.Message);
        if (wait > 0)
            exchange.Context.Response.Headers["Preference-Applied"] = $"wait={wait}";
        var usual = route.Rpc.IsServerStreaming
            ? settings.StreamDeadline
            : (route.Rpc.Traffic.Deadline ?? settings.Deadline) + TimeSpan.FromSeconds(wait);
        call.Waits = wait > 0;
        call.Deadline = RequestBinder.Deadline(request.Headers, usual);
        call.IsHurried = call.Deadline < usual;
    }

    private Problem NoRoute(Exchange exchange)
    {
        var methods = contracts.Table.MethodsOf(exchange.Path);
        if (methods.Count == 0)
            return new Problem(Fault.StatusOf(Fault.NotFound(Reason.RouteNotFound, "route with this path")));
        var fault = Fault.Unimplemented(
            Reason.MethodNotAllowed,
            $"The path has {string.Join(", ", methods)}."
        );
        return new Problem(Fault.StatusOf(fault)) { Allow = methods };
    }
}
