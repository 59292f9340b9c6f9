using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;

namespace Souk.Gateway.Streams;

/// <summary>
/// Answers a request with a stream: server-sent events for callers that accept them, else JSON lines, or
/// bytes as they come where the contract says so.
/// </summary>
internal sealed class StreamEndpoint(StreamPump pump, OpenStreams streams)
{
    private const string EventStream = "text/event-stream";

    public async Task<Problem?> ServeAsync(Exchange exchange, Route route, GrpcCall call)
    {
        var context = exchange.Context;
        // A head without a body: there is nothing to stream.
        if (HttpMethods.IsHead(context.Request.Method))
            return null;
        using var slot = streams.Take(exchange);
        var sink = SinkOf(route, exchange);
        var problem = await pump.RunAsync(call, sink, context.RequestAborted, context.RequestAborted);
        exchange.IsAnswered = sink.HasStarted;
        return problem;
    }

    private static StreamSink SinkOf(Route route, Exchange exchange)
    {
        var context = exchange.Context;
        if (route.IsRawResponse)
            return new RawSink(route, context);
        var accept = context.Request.Headers.Accept.ToString();
        return accept.Contains(EventStream, StringComparison.OrdinalIgnoreCase)
            ? new EventSink(route, context, exchange.TraceId)
            : new LineSink(route, context, exchange.TraceId);
    }
}
