using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Verb = Dapr.Client.Autogen.Grpc.v1.HTTPExtension.Types.Verb;

namespace Souk.Sidecar.Invoke;

/// <summary>To an app that speaks gRPC: its OnInvoke takes what HTTP callers send.</summary>
internal sealed class GrpcAppLine(SidecarApp app, AppCallback.AppCallbackClient callbacks) : IInvokeLine
{
    public bool NeedsWholeBody => true;

    public ValueTask<AppChannel.Place> EnterAsync(CancellationToken cancellation) =>
        app.Channel.EnterAsync(cancellation);

    public async Task<HttpResponseMessage> SendAsync(InvokeMessage message, CancellationToken cancellation)
    {
        var request = new InvokeRequest
        {
            Method = Uri.UnescapeDataString(message.Path),
            ContentType = message.ContentType,
            Data = new Google.Protobuf.WellKnownTypes.Any
            {
                Value = UnsafeByteOperations.UnsafeWrap(await message.Body.ReadAsync(cancellation)),
            },
            HttpExtension = new HTTPExtension
            {
                Verb = Enum.TryParse<Verb>(message.Verb, ignoreCase: true, out var verb) ? verb : Verb.None,
                Querystring = message.Query,
            },
        };
        using var call = callbacks.OnInvokeAsync(
            request,
            InvokeHeaders.ToMetadata(message.Headers, app.Channel.Headers()),
            cancellationToken: cancellation
        );
        try
        {
            var reply = await call.ResponseAsync;
            var response = new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new ByteArrayContent(reply.Data?.Value.ToByteArray() ?? []),
            };
            var contentType = reply.ContentType.Length > 0 ? reply.ContentType : "application/json";
            response.Content.Headers.TryAddWithoutValidation("content-type", contentType);
            InvokeHeaders.CopyTo(response, await call.ResponseHeadersAsync);
            InvokeHeaders.CopyTo(response, call.GetTrailers());
            return response;
        }
        catch (RpcException e)
            when (e.StatusCode == StatusCode.Unavailable && e.Status.DebugException is not null)
        {
            app.Channel.Report(e);
            throw new HttpRequestException(HttpRequestError.ConnectionError, e.Status.Detail, e);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            return Failed(e.Status);
        }
    }

    // As Dapr tells an app's own gRPC error to a caller by HTTP.
    private static HttpResponseMessage Failed(Status status)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new { code = (int)status.StatusCode, message = status.Detail }
        );
        var response = new HttpResponseMessage((HttpStatusCode)StatusMap.ToHttp(status.StatusCode))
        {
            Content = new ByteArrayContent(body),
        };
        response.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return response;
    }
}
