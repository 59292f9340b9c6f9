using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Souk.Sidecar.Api;
using Souk.Sidecar.Api.Http;
using Souk.Sidecar.Invoke;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar;

/// <summary>
/// First in line for every request: checks the API token, and sends what is not for the sidecar itself
/// straight to the proxy, before routing or anything else costs it time.
/// </summary>
internal sealed class SidecarGate(GrpcProxy proxy, SidecarSettings settings)
{
    private const string InvokeMethod = "/dapr.proto.runtime.v1.Dapr/InvokeService";

    private static readonly string[] OwnServices =
    [
        "/dapr.proto.runtime.v1.Dapr/",
        "/TaskHubSidecarService/",
    ];

    private readonly byte[]? _token = settings.ApiToken is { } token ? Encoding.UTF8.GetBytes(token) : null;

    public async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        var app = context.Features.GetRequiredFeature<SidecarApp>();
        var started = Stopwatch.GetTimestamp();
        var isIn = app.Admission.TryEnter();
        // A call is over when its answer is written, trailers and all.
        if (isIn)
            context.Response.OnCompleted(Leave, app.Admission);
        try
        {
            await (
                isIn || IsAlwaysAnswered(context)
                    ? RouteAsync(context, app, next)
                    : TurnAwayAsync(context, app)
            );
        }
        finally
        {
            app.Metrics.Called(context, started);
        }
    }

    private static Task Leave(object admission)
    {
        ((Admission)admission).Leave();
        return Task.CompletedTask;
    }

    // A sidecar on its way out still says how it is.
    private static bool IsAlwaysAnswered(HttpContext context) =>
        IsHealth(context) || context.Features.Get<MetricsOnly>() is not null;

    private static Task TurnAwayAsync(HttpContext context, SidecarApp app)
    {
        var fault = DaprFault.ShuttingDown(app);
        if (!HttpPortMark.IsGrpc(context))
            return ErrorJson.AnswerAsync(context, fault);
        GrpcStatus.Answer(context.Response, fault.StatusCode, fault.Status.Detail);
        return Task.CompletedTask;
    }

    private Task RouteAsync(HttpContext context, SidecarApp app, RequestDelegate next)
    {
        if (context.Features.Get<MetricsOnly>() is not null)
            return MetricsHttp.AnswerOnlyAsync(context, next);
        if (context.Features.Get<InternalLine>() is not null)
            return HandleInternalAsync(context, next);
        var isGrpc = HttpPortMark.IsGrpc(context);
        if (LengthOf(context.Request.Headers) > app.Spec.MaxHeaderBytes)
            return RefuseHeadersAsync(context, isGrpc);
        if (_token is not null && !IsTrusted(context, _token))
            return RefuseAsync(context, isGrpc);
        if (!isGrpc || IsOwn(context.Request.Path.Value))
            return next(context);
        return proxy.ForwardAsync(context);
    }

    // Other sidecars bring calls for this port's app, and nothing else.
    private Task HandleInternalAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path.Value ?? "";
        var isGrpc =
            context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) ?? false;
        if (isGrpc && !IsOwn(path))
            return proxy.ForwardAsync(context);
        if (path == InvokeMethod || path.StartsWith("/v1.0/invoke/", StringComparison.Ordinal))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static bool IsOwn(string? path) =>
        path is not null
        && (
            path.StartsWith(OwnServices[0], StringComparison.Ordinal)
            || path.StartsWith(OwnServices[1], StringComparison.Ordinal)
        );

    private static bool IsHealth(HttpContext context) =>
        context.Request.Path.Value is "/v1.0/healthz" or "/v1.0/healthz/outbound";

    private static bool IsTrusted(HttpContext context, byte[] token)
    {
        if (IsHealth(context))
            return true;
        var given = context.Request.Headers[ForwardedHeaders.ApiToken];
        return given.Count == 1
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given[0] ?? ""), token);
    }

    private static int LengthOf(IHeaderDictionary headers)
    {
        var length = 0;
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
                length += name.Length + (value?.Length ?? 0);
        }
        return length;
    }

    private static Task RefuseHeadersAsync(HttpContext context, bool isGrpc)
    {
        const string Message = "the request's headers are longer than --read-buffer-size allows";
        if (isGrpc)
        {
            GrpcStatus.Answer(context.Response, StatusCode.ResourceExhausted, Message);
            return Task.CompletedTask;
        }
        context.Response.StatusCode = StatusCodes.Status431RequestHeaderFieldsTooLarge;
        return context.Response.WriteAsync(Message, context.RequestAborted);
    }

    private static Task RefuseAsync(HttpContext context, bool isGrpc)
    {
        if (isGrpc)
        {
            var isMissing = context.Request.Headers[ForwardedHeaders.ApiToken].Count == 0;
            var message = isMissing
                ? "missing api token in request metadata"
                : "authentication error: api token mismatch";
            GrpcStatus.Answer(context.Response, StatusCode.Unauthenticated, message);
            return Task.CompletedTask;
        }
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return context.Response.WriteAsync("invalid api token", context.RequestAborted);
    }
}
