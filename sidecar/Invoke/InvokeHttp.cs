using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Souk.Sidecar.Api;
using Souk.Sidecar.Api.Http;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar.Invoke;

/// <summary>
/// Invocation over HTTP: whatever no other route takes is for an app, or for nobody. Requests to an HTTP app
/// and its answers flow through unread.
/// </summary>
internal sealed class InvokeHttp(InvokeRoutes routes)
{
    public void Map(ApiRoutes api) => api.Fallback(InvokeAsync);

    private async Task InvokeAsync(ApiCall call)
    {
        var caller = Caller.Of(call.Context);
        var request = call.Context.Request;
        var target =
            InvokeTarget.Of(call) ?? throw DaprFault.NoTarget(call.App, $"{request.Method} {request.Path}");
        var route = routes.Find(caller, target, request.Method);
        var message = new InvokeMessage(
            request.Method,
            target.Path,
            request.QueryString.Value?.TrimStart('?') ?? "",
            HasBody(call.Context) ? InvokeBody.From(request.BodyReader) : InvokeBody.None
        )
        {
            Headers = InvokeHeaders.ForApp(
                request.Headers,
                caller,
                target.Id,
                call.Context.Connection.RemoteIpAddress
            ),
        };
        using var place = await route.Line.EnterAsync(call.Cancellation);
        try
        {
            using var response = await Invoker.SendAsync(caller, route, message, call.Cancellation);
            await ForwardedResponse.CopyAsync(response, call.Context);
        }
        catch (OperationCanceledException) when (call.Cancellation.IsCancellationRequested)
        {
            // Nobody waits for an answer any more.
            call.Context.Abort();
        }
        catch (Exception e)
            when (e is HttpRequestException or IOException && call.Context.Response.HasStarted)
        {
            // The app broke off in the middle of its answer: the caller must not take it for whole.
            call.Context.Abort();
        }
        finally
        {
            await message.Body.UntilDoneAsync();
        }
    }

    private static bool HasBody(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true;
}
