using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Souk.Sidecar.Api.Http;

/// <summary>
/// Where each area of the HTTP API adds its routes. A handler says what it answers, or throws a
/// <see cref="DaprException"/>, which becomes Dapr's error document here.
/// </summary>
internal sealed class ApiRoutes(IEndpointRouteBuilder endpoints)
{
    private const long DiscardedMax = 64 * 1024 * 1024;

    private static readonly string[] Writes = ["POST", "PUT"];

    public void Get(string pattern, Func<ApiCall, Task> handler) => Map(["GET"], pattern, handler);

    public void Post(string pattern, Func<ApiCall, Task> handler) => Map(["POST"], pattern, handler);

    public void Put(string pattern, Func<ApiCall, Task> handler) => Map(["PUT"], pattern, handler);

    public void Delete(string pattern, Func<ApiCall, Task> handler) => Map(["DELETE"], pattern, handler);

    /// <summary>Both verbs that Dapr takes for a change.</summary>
    public void Write(string pattern, Func<ApiCall, Task> handler) => Map(Writes, pattern, handler);

    /// <summary>What no other route took.</summary>
    public void Fallback(Func<ApiCall, Task> handler) =>
        endpoints.MapFallback("{**path}", Answering(handler));

    private void Map(string[] methods, string pattern, Func<ApiCall, Task> handler) =>
        endpoints.MapMethods(pattern, methods, Answering(handler));

    // A client that is still sending takes a closed connection for a broken one: what it announces and may
    // not send is read and thrown away, within reason.
    private static async Task LimitBodyAsync(ApiCall call)
    {
        var limit = call.App.Spec.MaxBodyBytes;
        if (call.Context.Request.ContentLength is { } length && length > limit)
        {
            if (length <= DiscardedMax)
                await call.Context.Request.Body.CopyToAsync(Stream.Null, call.Cancellation);
            throw new BadHttpRequestException(
                $"http: request body of {length} bytes is larger than {limit}",
                StatusCodes.Status413PayloadTooLarge
            );
        }
        if (call.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = limit;
    }

    private static RequestDelegate Answering(Func<ApiCall, Task> handler) =>
        async context =>
        {
            var call = new ApiCall(context);
            try
            {
                await LimitBodyAsync(call);
                await handler(call);
            }
            catch (DaprException fault) when (!context.Response.HasStarted)
            {
                await ErrorJson.AnswerAsync(context, fault);
            }
            catch (BadHttpRequestException e) when (!context.Response.HasStarted)
            {
                await ErrorJson.AnswerAsync(context, e.StatusCode, "ERR_BODY_READ", e.Message);
            }
        };
}
