using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Api;
using Souk.Sidecar.Components;
using Souk.Sidecar.Invoke;

namespace Souk.Sidecar.Proxy;

/// <summary>
/// Forwards gRPC calls of every kind to the app they name, byte for byte: headers, messages as they arrive,
/// trailers, and cancellation both ways. Deadlines travel in a header and end at the two ends of the call.
/// </summary>
internal sealed partial class GrpcProxy(
    InvokeRoutes routes,
    Peers peers,
    AppTransport transport,
    TimeProvider clock,
    ILogger<GrpcProxy> logger
) : IDisposable
{
    private const string StreamHeader = "dapr-stream";

    private readonly HttpMessageInvoker _invoker = new(transport, disposeHandler: false);

    public async Task ForwardAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        var target = headers[ForwardedHeaders.CalleeAppId];
        if (target.Count == 0)
            target = headers[ForwardedHeaders.AppId];
        if (target.Count == 0)
        {
            const string Missing =
                "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found";
            GrpcStatus.Answer(context.Response, StatusCode.Unknown, Missing);
            return;
        }
        var id = target[0] ?? "";
        var caller = Caller.Of(context);
        try
        {
            if (Find(caller, id, context.Request.Path) is { } destination)
                await ForwardAsync(context, caller, destination);
            else
                GrpcStatus.Answer(context.Response, StatusCode.Internal, $"failed to resolve app id {id}");
        }
        catch (DaprException refused)
        {
            GrpcStatus.Answer(context.Response, refused.StatusCode, refused.Status.Detail);
        }
    }

    public void Dispose() => _invoker.Dispose();

    private Destination? Find(Caller caller, string id, PathString method)
    {
        if (routes.LocalApp(caller, id) is { } app)
        {
            if (app.Spec.AppPort == 0)
                return null;
            InvokeRoutes.Admit(caller, app, method, verb: null);
            return new Destination(app.AppId, app.Spec.Origin, app);
        }
        return caller.IsRemote || peers.Find(id) is not { } address
            ? null
            : new Destination(id, address, null);
    }

    private async Task ForwardAsync(HttpContext context, Caller caller, Destination target)
    {
        var cancellation = context.RequestAborted;
        using var place = target.App?.Channel.Pass() ?? default;
        try
        {
            var policy = caller.Sidecar.Components.Resiliency.ForApp(target.Id);
            if (policy is null || context.Request.Headers[StreamHeader] == "true")
                await StreamAsync(context, caller, target);
            else
                await TryAsync(context, caller, target, policy);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            LogCancelled(logger, context.Request.Path, target.Id);
        }
        catch (Polly.Timeout.TimeoutRejectedException e)
        {
            GrpcStatus.Answer(context.Response, StatusCode.DeadlineExceeded, e.Message);
        }
        catch (Exception e)
            when (e
                    is HttpRequestException
                        or IOException
                        or OperationCanceledException
                        or CircuitOpenException
            )
        {
            Fail(context, target, e);
        }
    }

    private async Task StreamAsync(HttpContext context, Caller caller, Destination target)
    {
        ForwardedProgress? progress = null;
        try
        {
            using var response = await SendAsync(
                () =>
                {
                    var body = new ForwardedBody(context.Request.BodyReader);
                    progress = body.Progress;
                    return RequestFor(context, caller, target, body);
                },
                target,
                () => progress is { HasStarted: true },
                context.RequestAborted
            );
            try
            {
                await ForwardedResponse.CopyAsync(response, context);
            }
            catch when (context.RequestAborted.IsCancellationRequested)
            {
                AppTransport.GiveUp(response);
                throw;
            }
        }
        finally
        {
            // The caller's body must have no reader left when its request ends.
            if (progress is not null)
                await progress.UntilDoneAsync();
        }
    }

    // Under a policy a unary call may be made several times; what turns out to be a stream is made once.
    private async Task TryAsync(HttpContext context, Caller caller, Destination target, TargetPolicy policy)
    {
        var limit = caller.Sidecar.Spec.MaxBodyBytes;
        var reader = context.Request.BodyReader;
        if (await UnaryRequest.TryReadAsync(reader, limit, clock, context.RequestAborted) is not { } request)
        {
            await StreamAsync(context, caller, target);
            return;
        }
        var pipeline = policy.For<UnaryReply>(UnaryReply.Judge);
        using var reply = await pipeline.ExecuteAsync(
            async token =>
            {
                var response = await SendAsync(
                    () => RequestFor(context, caller, target, new ReadOnlyMemoryContent(request)),
                    target,
                    () => false,
                    token
                );
                return await UnaryReply.ReadAsync(response, token);
            },
            context.RequestAborted
        );
        await ForwardedResponse.CopyAsync(reply.Response, context, reply.First);
    }

    // Waits a little for an app that is not there: it may be on its way back.
    private async Task<HttpResponseMessage> SendAsync(
        Func<HttpRequestMessage> make,
        Destination target,
        Func<bool> isSpent,
        CancellationToken cancellation
    )
    {
        for (var attempt = 0; ; attempt++)
        {
            using var request = make();
            try
            {
                return await _invoker.SendAsync(request, cancellation);
            }
            catch (HttpRequestException e)
                when (e.HttpRequestError == HttpRequestError.ConnectionError && !isSpent())
            {
                target.App?.Channel.ReportDown();
                if (attempt >= Transport.ConnectDelays.Count)
                    throw;
                await Task.Delay(Transport.ConnectDelays[attempt], clock, cancellation);
            }
        }
    }

    private static HttpRequestMessage RequestFor(
        HttpContext context,
        Caller caller,
        Destination target,
        HttpContent body
    )
    {
        var incoming = context.Request;
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(target.Origin + incoming.Path, AsGiven))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        };
        ForwardedHeaders.CopyToApp(incoming, request);
        request.Headers.TryAddWithoutValidation(ForwardedHeaders.CallerAppId, caller.AppId);
        if (caller.Namespace.Length > 0)
            request.Headers.TryAddWithoutValidation(ForwardedHeaders.CallerNamespace, caller.Namespace);
        if (target.App?.Channel.AppToken is { } token)
            request.Headers.TryAddWithoutValidation(ForwardedHeaders.ApiToken, token);
        return request;
    }

    private void Fail(HttpContext context, Destination target, Exception e)
    {
        LogFailed(logger, context.Request.Path, target.Id, e.Message);
        if (e is HttpProtocolException { ErrorCode: var code } && context.Response.HasStarted)
        {
            // The app broke off its stream: the caller sees the same.
            context.Features.Get<IHttpResetFeature>()?.Reset((int)code);
            return;
        }
        GrpcStatus.Answer(
            context.Response,
            StatusCode.Unavailable,
            $"failed to invoke app {target.Id}: {e.Message}"
        );
    }

    private static readonly UriCreationOptions AsGiven = new()
    {
        DangerousDisablePathAndQueryCanonicalization = true,
    };

    // An app of this process, or another process's sidecar with the app behind it.
    private sealed record Destination(string Id, string Origin, SidecarApp? App);

    [LoggerMessage(LogLevel.Debug, "{Path} to {App} cancelled by its caller")]
    private static partial void LogCancelled(ILogger logger, string path, string app);

    [LoggerMessage(LogLevel.Debug, "{Path} to {App} failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, string path, string app, string reason);
}
