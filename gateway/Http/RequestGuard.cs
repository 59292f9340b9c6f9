using System.Diagnostics;
using System.Diagnostics.Metrics;
using Souk.Gateway.Errors;
using Souk.Gateway.Grpc;
using Souk.Shared;

namespace Souk.Gateway.Http;

/// <summary>
/// Around every request: whatever is thrown becomes a problem, and one line and one measurement are left.
/// </summary>
internal sealed partial class RequestGuard(
    GatewaySettings settings,
    TimeProvider clock,
    ILogger<RequestGuard> logger
)
{
    private static readonly Histogram<double> s_requests = Telemetry.Meter.CreateHistogram<double>(
        "gateway.request.duration",
        "ms",
        "Time from a request's head to the end of its answer"
    );

    public async Task RunAsync(HttpContext context, GrpcKind kind, Func<Exchange, Task<Problem?>> serve)
    {
        var start = clock.GetTimestamp();
        var exchange = new Exchange(context, settings.Proxies) { Grpc = kind };
        context.Response.Headers["X-Request-Id"] = exchange.RequestId;
        try
        {
            var problem = await serve(exchange);
            exchange.Reason = problem?.Reason ?? "";
            if (!exchange.IsAnswered && (problem is not null || kind != GrpcKind.None))
                await EndAsync(exchange, problem);
        }
        catch (Exception e)
        {
            await FailAsync(exchange, e);
        }
        Leave(exchange, clock.GetElapsedTime(start).TotalMilliseconds);
    }

    private async Task FailAsync(Exchange exchange, Exception error)
    {
        var context = exchange.Context;
        var isAborted = context.RequestAborted.IsCancellationRequested;
        var status = Failures.StatusOf(error, isAborted);
        if (status is null)
            LogFault(logger, error, exchange.RpcName, exchange.TraceId);
        var problem = new Problem(status ?? Fault.StatusOf(Fault.Internal(exchange.TraceId)));
        // gRPC tells its errors behind whatever was said before.
        if (!isAborted && (!context.Response.HasStarted || exchange.Grpc != GrpcKind.None))
        {
            await EndAsync(exchange, problem);
            return;
        }
        exchange.Reason = problem.Reason;
        context.Abort();
    }

    private static Task EndAsync(Exchange exchange, Problem? problem)
    {
        exchange.Reason = problem?.Reason ?? "";
        if (exchange.Grpc == GrpcKind.None)
            return problem is null
                ? Task.CompletedTask
                : ProblemJson.WriteAsync(exchange.Context, problem, exchange.TraceId);
        GrpcEnding.Write(exchange.Context, problem, exchange.TraceId);
        return Task.CompletedTask;
    }

    // The route's template, never the path: paths hold ids and, from strangers, anything.
    private void Leave(Exchange exchange, double elapsedMs)
    {
        var context = exchange.Context;
        if (s_requests.Enabled)
        {
            s_requests.Record(
                elapsedMs,
                new TagList
                {
                    { "http.route", exchange.Template },
                    {
                        "http.request.method",
                        exchange.Route?.Method ?? (exchange.Rpc is null ? "-" : HttpMethods.Post)
                    },
                    { "http.response.status_code", context.Response.StatusCode },
                }
            );
        }
        LogRequest(
            logger,
            context.Request.Method,
            exchange.Template,
            exchange.RpcName,
            exchange.Caller.UserId,
            context.Response.StatusCode,
            exchange.Reason,
            elapsedMs,
            exchange.TraceId
        );
    }

    [LoggerMessage(
        LogLevel.Information,
        "{Verb} {Route} {Rpc} {Caller} {Status} {Reason} {Ms:F1} ms {Trace}"
    )]
    private static partial void LogRequest(
        ILogger logger,
        string verb,
        string route,
        string rpc,
        string caller,
        int status,
        string reason,
        double ms,
        string trace
    );

    [LoggerMessage(LogLevel.Error, "{Rpc} failed, trace {Trace}")]
    private static partial void LogFault(ILogger logger, Exception error, string rpc, string trace);
}
