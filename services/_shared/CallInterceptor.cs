using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;

namespace Souk.Shared;

/// <summary>
/// Around every RPC that this process serves, in this order: count and log, turn exceptions into faults,
/// check access, check the request. One class, so that a call passes one try block and not four.
/// </summary>
internal sealed partial class CallInterceptor(
    MethodPlans plans,
    AccessCheck access,
    TimeProvider clock,
    ILogger<CallInterceptor> logger
) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        var plan = plans.Of(context.Method);
        var start = clock.GetTimestamp();
        try
        {
            await access.CheckAsync(plan, context);
            if (request is IMessage message && !plan.IsInfrastructure)
                plan.Input.Apply(message);
            var response = await continuation(request, context);
            Done(plan, context, StatusCode.OK, start);
            return response;
        }
        catch (Exception e)
        {
            throw Failed(plan, context, e, start);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        var plan = plans.Of(context.Method);
        var start = clock.GetTimestamp();
        try
        {
            await access.CheckAsync(plan, context);
            if (request is IMessage message && !plan.IsInfrastructure)
                plan.Input.Apply(message);
            await continuation(request, responseStream, context);
            Done(plan, context, StatusCode.OK, start);
        }
        catch (Exception e)
        {
            throw Failed(plan, context, e, start);
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        var plan = plans.Of(context.Method);
        var start = clock.GetTimestamp();
        try
        {
            await access.CheckAsync(plan, context);
            var response = await continuation(new CheckedStream<TRequest>(requestStream, plan), context);
            Done(plan, context, StatusCode.OK, start);
            return response;
        }
        catch (Exception e)
        {
            throw Failed(plan, context, e, start);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        var plan = plans.Of(context.Method);
        var start = clock.GetTimestamp();
        try
        {
            await access.CheckAsync(plan, context);
            var requests = new CheckedStream<TRequest>(requestStream, plan);
            await continuation(requests, responseStream, context);
            Done(plan, context, StatusCode.OK, start);
        }
        catch (Exception e)
        {
            throw Failed(plan, context, e, start);
        }
    }

    private RpcException Failed(MethodPlan plan, ServerCallContext context, Exception error, long start)
    {
        var fault = FaultMap.From(error, context);
        if (fault.StatusCode is StatusCode.Internal or StatusCode.Unknown)
            LogFault(logger, error, plan.Name, FaultMap.TraceId);
        else if (fault.StatusCode == StatusCode.Unavailable)
            LogUnavailable(logger, plan.Name, error.Message);
        Done(plan, context, fault.StatusCode, start);
        return fault;
    }

    private void Done(MethodPlan plan, ServerCallContext context, StatusCode code, long start)
    {
        var elapsed = clock.GetElapsedTime(start);
        Telemetry.RecordCall(plan.Name, code, elapsed);
        if (plan.IsInfrastructure || !logger.IsEnabled(LogLevel.Information))
            return;
        LogCall(
            logger,
            plan.Name,
            Caller.Of(context).UserId,
            code,
            elapsed.TotalMilliseconds,
            Activity.Current?.TraceId
        );
    }

    [LoggerMessage(LogLevel.Information, "{Method} {Caller} {Code} {Ms:F1} ms {Trace}")]
    private static partial void LogCall(
        ILogger logger,
        string method,
        string caller,
        StatusCode code,
        double ms,
        ActivityTraceId? trace
    );

    [LoggerMessage(LogLevel.Error, "{Method} failed, trace {Trace}")]
    private static partial void LogFault(ILogger logger, Exception error, string method, string trace);

    [LoggerMessage(LogLevel.Warning, "{Method} needs something that does not answer: {Problem}")]
    private static partial void LogUnavailable(ILogger logger, string method, string problem);
}
