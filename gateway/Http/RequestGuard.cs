using Souk.Gateway.Errors;
using Souk.Gateway.Grpc;
using Souk.Gateway.Security;
using Souk.Shared;

namespace Souk.Gateway.Http;

/// <summary>
/// Around every request: whatever is thrown becomes a problem, and one line and one measurement are left.
/// </summary>
internal sealed partial class RequestGuard(
    GatewaySettings settings,
    CookieTokens cookies,
    TimeProvider clock,
    ILogger<RequestGuard> logger
)
{
    public async Task RunAsync(HttpContext context, GrpcKind kind, Func<Exchange, Task<Problem?>> serve)
    {
        var start = clock.GetTimestamp();
        using var trace = RequestTrace.Begin(context.Request);
        var exchange = new Exchange(context, trace, settings.Proxies) { Grpc = kind };
        context.Response.Headers["X-Request-Id"] = exchange.RequestId;
        try
        {
            cookies.Apply(context);
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
        (exchange.Code, exchange.Reason) = (problem.CodeName, problem.Reason);
        context.Abort();
    }

    private static Task EndAsync(Exchange exchange, Problem? problem)
    {
        if (problem is not null)
            (exchange.Code, exchange.Reason) = (problem.CodeName, problem.Reason);
        if (exchange.Grpc == GrpcKind.None)
            return problem is null
                ? Task.CompletedTask
                : ProblemJson.WriteAsync(exchange.Context, problem, exchange.TraceId);
        GrpcEnding.Write(exchange.Context, problem, exchange.TraceId);
        return Task.CompletedTask;
    }

    private void Leave(Exchange exchange, double elapsedMs)
    {
        var context = exchange.Context;
        RequestMetrics.Record(exchange, elapsedMs);
        exchange.Trace.Tell(exchange);
        LogRequest(
            logger,
            context.Request.Method,
            exchange.Template,
            exchange.RpcName,
            Masked.User(exchange.Caller.UserId),
            context.Response.StatusCode,
            exchange.Code,
            exchange.Reason,
            elapsedMs,
            context.Response.ContentLength ?? 0,
            exchange.TraceId
        );
    }

    [LoggerMessage(
        LogLevel.Information,
        "{Verb} {Route} {Rpc} {Caller} {Status} {Code} {Reason} {Ms:F1} ms {Bytes} B {Trace}"
    )]
    private static partial void LogRequest(
        ILogger logger,
        string verb,
        string route,
        string rpc,
        string caller,
        int status,
        string code,
        string reason,
        double ms,
        long bytes,
        string trace
    );

    [LoggerMessage(LogLevel.Error, "{Rpc} failed, trace {Trace}")]
    private static partial void LogFault(ILogger logger, Exception error, string rpc, string trace);
}
