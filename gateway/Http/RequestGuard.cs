using System.Diagnostics;
using System.Diagnostics.Metrics;
using Souk.Gateway.Errors;
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

    public async Task RunAsync(HttpContext context, Func<Exchange, Task<Problem?>> serve)
    {
        var start = clock.GetTimestamp();
        var exchange = new Exchange(context, settings.Proxies);
        context.Response.Headers["X-Request-Id"] = exchange.RequestId;
        try
        {
            if (await serve(exchange) is { } problem)
                await AnswerAsync(exchange, problem);
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
        if (!isAborted && !context.Response.HasStarted)
        {
            await AnswerAsync(exchange, problem);
            return;
        }
        exchange.Reason = problem.Reason;
        context.Abort();
    }

    private static Task AnswerAsync(Exchange exchange, Problem problem)
    {
        exchange.Reason = problem.Reason;
        return ProblemJson.WriteAsync(exchange.Context, problem, exchange.TraceId);
    }

    // The route's template, never the path: paths hold ids and, from strangers, anything.
    private void Leave(Exchange exchange, double elapsedMs)
    {
        var context = exchange.Context;
        var template = exchange.Route?.Template.ToString() ?? "-";
        if (s_requests.Enabled)
        {
            s_requests.Record(
                elapsedMs,
                new TagList
                {
                    { "http.route", template },
                    { "http.request.method", exchange.Route?.Method ?? "-" },
                    { "http.response.status_code", context.Response.StatusCode },
                }
            );
        }
        LogRequest(
            logger,
            context.Request.Method,
            template,
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
