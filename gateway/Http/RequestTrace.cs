using System.Diagnostics;
using Souk.Gateway.Grpc;
using Souk.Shared;

namespace Souk.Gateway.Http;

/// <summary>
/// The trace that a request belongs to: its caller's, or a new one. While somebody listens to the source
/// "Souk" the gateway has a span of its own in it, the parent of the service's; while nobody does, or the
/// trace is not sampled, the caller's context goes on as it came.
/// </summary>
internal sealed class RequestTrace : IDisposable
{
    private readonly Activity? _span;

    private RequestTrace(HttpRequest request)
    {
        var parent = ParentOf(request.Headers);
        if (Telemetry.Activities.HasListeners())
            _span = Telemetry.Activities.StartActivity(request.Method, ActivityKind.Server, parent);
        var context = _span?.Context ?? (parent == default ? Fresh() : parent);
        TraceId = context.TraceId.ToHexString();
        State = context.TraceState ?? "";
        var flags = context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00";
        Parent = $"00-{TraceId}-{context.SpanId.ToHexString()}-{flags}";
    }

    public string TraceId { get; }

    /// <summary>What the service is told as traceparent.</summary>
    public string Parent { get; }

    /// <summary>What the service is told as tracestate.</summary>
    public string State { get; }

    /// <summary>Begins the span where there is one to be.</summary>
    public static RequestTrace Begin(HttpRequest request) => new(request);

    /// <summary>Says what became of the request. Paths hold ids: only templates are told .</summary>
    public void Tell(Exchange exchange)
    {
        if (_span is not { IsAllDataRequested: true } span)
            return;
        var status = exchange.Context.Response.StatusCode;
        var method = RequestMetrics.MethodOf(exchange);
        span.DisplayName = $"{method} {exchange.Template}";
        span.SetTag("http.request.method", method);
        span.SetTag("http.route", exchange.Template);
        span.SetTag("http.response.status_code", status);
        if (exchange.Rpc is { } rpc)
        {
            span.SetTag("rpc.system", "grpc");
            span.SetTag("rpc.service", rpc.Service);
            span.SetTag("rpc.method", rpc.Name);
        }
        span.SetTag("rpc.code", exchange.Code);
        if (exchange.Reason.Length > 0)
            span.SetTag("error.type", exchange.Reason);
        // Who asks for the wrong thing has made no error of ours.
        var isOurs = exchange.Grpc == GrpcKind.None ? status >= 500 : IsFault(exchange.Code);
        if (isOurs)
            span.SetStatus(ActivityStatusCode.Error, exchange.Reason);
    }

    public void Dispose() => _span?.Dispose();

    private static ActivityContext ParentOf(IHeaderDictionary headers) =>
        headers.TraceParent is [{ } parent]
        && ActivityContext.TryParse(parent, headers.TraceState, isRemote: true, out var context)
        && context.TraceId != default
        && context.SpanId != default
            ? context
            : default;

    private static ActivityContext Fresh() =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None);

    private static bool IsFault(string code) =>
        code
            is "UNKNOWN"
                or "DEADLINE_EXCEEDED"
                or "UNIMPLEMENTED"
                or "INTERNAL"
                or "UNAVAILABLE"
                or "DATA_LOSS";
}
