using System.Buffers;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.Proxy;

/// <summary>
/// Forwards gRPC calls of every kind to the app they name, byte for byte: headers, messages as they arrive,
/// trailers, and cancellation both ways. Deadlines travel in a header and end at the two ends of the call.
/// </summary>
internal sealed partial class GrpcProxy(
    AppDirectory apps,
    SocketsHttpHandler transport,
    TimeProvider clock,
    ILogger<GrpcProxy> logger
) : IDisposable
{
    private const int BufferSize = 16 * 1024;

    // An app that is being restarted is back within this, or it is down.
    private static readonly TimeSpan[] ConnectDelays =
    [
        TimeSpan.FromMilliseconds(50),
        TimeSpan.FromMilliseconds(150),
        TimeSpan.FromMilliseconds(300),
    ];

    private readonly HttpMessageInvoker _invoker = new(transport, disposeHandler: false);

    public async Task ForwardAsync(HttpContext context, SidecarApp caller)
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
        if (apps.Find(id) is not { Spec.AppPort: > 0 } app)
        {
            GrpcStatus.Answer(context.Response, StatusCode.Internal, $"failed to resolve app id {id}");
            return;
        }
        await ForwardAsync(context, caller, app);
    }

    public void Dispose() => _invoker.Dispose();

    private async Task ForwardAsync(HttpContext context, SidecarApp caller, SidecarApp target)
    {
        var cancellation = context.RequestAborted;
        ForwardedBody? body = null;
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                body = new ForwardedBody(context.Request.BodyReader);
                using var request = RequestFor(context, caller, target, body);
                try
                {
                    using var response = await _invoker.SendAsync(request, cancellation);
                    await CopyResponseAsync(response, context, cancellation);
                    return;
                }
                catch (HttpRequestException e) when (IsRefused(e) && !body.HasStarted)
                {
                    target.Channel.ReportDown();
                    if (attempt >= ConnectDelays.Length)
                        throw;
                    await Task.Delay(ConnectDelays[attempt], clock, cancellation);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            LogCancelled(logger, context.Request.Path, target.AppId);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Fail(context, target, e);
        }
        finally
        {
            // The caller's body must have no reader left when its request ends.
            if (body is not null)
                await body.UntilDoneAsync();
        }
    }

    private static bool IsRefused(HttpRequestException e) =>
        e.HttpRequestError == HttpRequestError.ConnectionError;

    private static HttpRequestMessage RequestFor(
        HttpContext context,
        SidecarApp caller,
        SidecarApp target,
        ForwardedBody body
    )
    {
        var incoming = context.Request;
        var request = new HttpRequestMessage(HttpMethod.Post, target.UriOf(incoming.Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        };
        ForwardedHeaders.CopyToApp(incoming, request);
        request.Headers.TryAddWithoutValidation(ForwardedHeaders.CallerAppId, caller.AppId);
        if (target.Channel.AppToken is { } token)
            request.Headers.TryAddWithoutValidation(ForwardedHeaders.ApiToken, token);
        return request;
    }

    private static async Task CopyResponseAsync(
        HttpResponseMessage from,
        HttpContext context,
        CancellationToken cancellation
    )
    {
        var to = context.Response;
        to.StatusCode = (int)from.StatusCode;
        ForwardedHeaders.CopyToCaller(from, to);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var stream = await from.Content.ReadAsStreamAsync(cancellation);
            // Headers alone are news to the caller of a stream; a unary answer follows them at once.
            var unsent = true;
            while (true)
            {
                var reading = stream.ReadAsync(buffer, cancellation);
                if (unsent && !reading.IsCompleted)
                {
                    await to.BodyWriter.FlushAsync(cancellation);
                    unsent = false;
                }
                var length = await reading;
                if (length == 0)
                    break;
                to.BodyWriter.Write(buffer.AsSpan(0, length));
                unsent = true;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        ForwardedHeaders.CopyTrailers(from, to);
    }

    private void Fail(HttpContext context, SidecarApp target, Exception e)
    {
        LogFailed(logger, context.Request.Path, target.AppId, e.Message);
        if (e is HttpProtocolException { ErrorCode: var code } && context.Response.HasStarted)
        {
            // The app broke off its stream: the caller sees the same.
            context.Features.Get<IHttpResetFeature>()?.Reset((int)code);
            return;
        }
        GrpcStatus.Answer(
            context.Response,
            StatusCode.Unavailable,
            $"failed to invoke app {target.AppId}: {e.Message}"
        );
    }

    [LoggerMessage(LogLevel.Debug, "{Path} to {App} cancelled by its caller")]
    private static partial void LogCancelled(ILogger logger, string path, string app);

    [LoggerMessage(LogLevel.Debug, "{Path} to {App} failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, string path, string app, string reason);
}
