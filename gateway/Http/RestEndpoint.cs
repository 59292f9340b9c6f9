using Google.Rpc;
using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Routing;
using Souk.Gateway.Security;
using Souk.Gateway.Transcoding;
using Souk.Shared;
using Reason = Souk.Type.Reason;

namespace Souk.Gateway.Http;

/// <summary>Serves every route of the contracts: match, admit, bind, call, answer.</summary>
internal sealed partial class RestEndpoint(
    Contracts contracts,
    Backend backend,
    AccessGate gate,
    GatewaySettings settings,
    TimeProvider clock,
    ILogger<RestEndpoint> logger
)
{
    private const int RetriesMax = 2;
    private static readonly TimeSpan s_retryPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_streamDeadline = TimeSpan.FromHours(1);

    private readonly RateLimits _perAddress = new(settings.RatePerAddress, clock);
    private readonly RateLimits _perUser = new(settings.RatePerUser, clock);

    public async Task HandleAsync(HttpContext context)
    {
        var start = clock.GetTimestamp();
        var exchange = new Exchange(context, settings.Proxies);
        context.Response.Headers["X-Request-Id"] = exchange.RequestId;
        try
        {
            if (await ServeAsync(exchange) is { } problem)
                await AnswerAsync(exchange, problem);
        }
        catch (Exception e)
        {
            await FailAsync(exchange, e);
        }
        LogRequest(
            logger,
            context.Request.Method,
            exchange.Route?.Template.ToString() ?? "-",
            exchange.Route?.Rpc.Name ?? "-",
            context.Response.StatusCode,
            exchange.Reason,
            clock.GetElapsedTime(start).TotalMilliseconds,
            exchange.Caller.UserId,
            exchange.TraceId
        );
    }

    private async Task<Problem?> ServeAsync(Exchange exchange)
    {
        var context = exchange.Context;
        var segments = new Range[RouteTable<Route>.SegmentsMax];
        exchange.Route = contracts.Table.Find(exchange.Method, exchange.Path, segments, out var count);
        Limit(_perAddress, exchange.ClientAddress);
        if (exchange.Route is not { } route)
            return NoRoute(exchange);
        exchange.Caller = await gate.AdmitAsync(
            route.Rpc,
            context.Request.Headers.Authorization,
            context.RequestAborted
        );
        if (!exchange.Caller.IsAnonymous)
            Limit(_perUser, exchange.Caller.UserId);
        using var call = new GrpcCall(route.Rpc.AppId, route.Rpc.Path);
        await BindAsync(route, exchange, segments.AsMemory(0, count), call);
        exchange.WriteMetadata(call.Metadata);
        if (route.Rpc.IsServerStreaming)
            call.Deadline = s_streamDeadline;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(call.Deadline);
        return route.Rpc.IsServerStreaming
            ? await StreamAsync(exchange, route, call, deadline.Token)
            : await CallAsync(exchange, route, call, deadline.Token);
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
        call.Deadline = settings.Deadline + TimeSpan.FromSeconds(wait);
        if (wait > 0)
            exchange.Context.Response.Headers["Preference-Applied"] = $"wait={wait}";
    }

    private async Task<Problem?> CallAsync(
        Exchange exchange,
        Route route,
        GrpcCall call,
        CancellationToken token
    )
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var reply = await backend.SendAsync(call, token);
                var hasMessage = await reply.NextAsync(token);
                await reply.FinishAsync(token);
                var ending = reply.Ending();
                if (ending.Code == (int)Code.Unavailable && MayRetry(route, attempt))
                {
                    await Task.Delay(s_retryPause * (attempt + 1), clock, token);
                    continue;
                }
                if (ending.Code != 0)
                    return new Problem(ending);
                if (!hasMessage)
                    throw new IOException("The reply has no message.");
                await ReplyWriter.WriteAsync(route, exchange.Context, reply, exchange.Caller.IsAnonymous);
                return null;
            }
            catch (Exception e) when (e is HttpRequestException or IOException && MayRetry(route, attempt))
            {
                await Task.Delay(s_retryPause * (attempt + 1), clock, token);
            }
        }
    }

    private async Task<Problem?> StreamAsync(
        Exchange exchange,
        Route route,
        GrpcCall call,
        CancellationToken token
    )
    {
        using var reply = await backend.SendAsync(call, token);
        return await new StreamWriter(route, exchange.Context, exchange.TraceId).WriteAsync(reply, token);
    }

    private static bool MayRetry(Route route, int attempt) => route.IsSafe && attempt < RetriesMax;

    private Problem NoRoute(Exchange exchange)
    {
        var methods = contracts.Table.MethodsOf(exchange.Path);
        if (methods.Count == 0)
            return new Problem(Fault.StatusOf(Fault.NotFound(Reason.RouteNotFound, "route with this path")));
        if (methods.Contains(HttpMethods.Get))
            methods = [.. methods, HttpMethods.Head];
        var fault = Fault.Unimplemented(
            Reason.MethodNotAllowed,
            $"The path has {string.Join(", ", methods)}."
        );
        return new Problem(Fault.StatusOf(fault)) { Allow = methods };
    }

    private static void Limit(RateLimits limits, string key)
    {
        if (limits.Take(key) is { IsAllowed: false } verdict)
            throw Fault.ResourceExhausted(
                Reason.RateLimited,
                "Too many requests at once.",
                verdict.RetryAfter
            );
    }

    private async Task FailAsync(Exchange exchange, Exception error)
    {
        var isAborted = exchange.Context.RequestAborted.IsCancellationRequested;
        var status = Failures.StatusOf(error, isAborted);
        if (status is null)
            LogFault(logger, error, exchange.Route?.Rpc.Name ?? "-", exchange.TraceId);
        var problem = new Problem(status ?? Fault.StatusOf(Fault.Internal(exchange.TraceId)));
        if (isAborted || exchange.Context.Response.HasStarted)
        {
            exchange.Reason = problem.Reason;
            exchange.Context.Abort();
            return;
        }
        await AnswerAsync(exchange, problem);
    }

    private static Task AnswerAsync(Exchange exchange, Problem problem)
    {
        exchange.Reason = problem.Reason;
        return ProblemJson.WriteAsync(exchange.Context, problem, exchange.TraceId);
    }

    [LoggerMessage(
        LogLevel.Information,
        "{Method} {Route} {Rpc} {Status} {Reason} {ElapsedMs:F2} ms caller {Caller} trace {TraceId}"
    )]
    private static partial void LogRequest(
        ILogger logger,
        string method,
        string route,
        string rpc,
        int status,
        string reason,
        double elapsedMs,
        string caller,
        string traceId
    );

    [LoggerMessage(LogLevel.Error, "{Rpc} failed, trace {TraceId}")]
    private static partial void LogFault(ILogger logger, Exception error, string rpc, string traceId);
}
