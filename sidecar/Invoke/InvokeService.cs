using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Primitives;
using Souk.Sidecar.Api;
using RpcStatus = Google.Rpc.Status;
using Status = Grpc.Core.Status;

namespace Souk.Sidecar.Invoke;

/// <summary>
/// Invocation by message: an HTTP app gets a request, a gRPC app its OnInvoke. Deprecated in Dapr, but what
/// its SDKs call.
/// </summary>
internal sealed class InvokeService(InvokeRoutes routes)
{
    public const string StatusHeader = "dapr-http-status";

    // As long as an error message may be without trouble for a header.
    private const int ErrorTextMax = 2048;

    public async Task<InvokeResponse> InvokeAsync(InvokeServiceRequest request, ServerCallContext context)
    {
        var caller = Caller.Of(context.GetHttpContext());
        var message = request.Message ?? new InvokeRequest();
        var given = HeadersOf(context, caller, request);
        if (routes.LocalApp(caller, request.Id) is { Channel.Callbacks: { } callbacks } app)
        {
            InvokeRoutes.Admit(caller, app, message.Method, message.HttpExtension?.Verb.ToString());
            using var place = await app.Channel.EnterAsync(context.CancellationToken);
            var headers = InvokeHeaders.ToMetadata(given, app.Channel.Headers());
            return await RelayAsync(caller, request.Id, context, Call);

            AsyncUnaryCall<InvokeResponse> Call(CancellationToken cancellation) =>
                callbacks.OnInvokeAsync(message, headers, context.Deadline, cancellation);
        }
        if (routes.Peer(caller, request.Id) is { } peer)
        {
            var headers = InvokeHeaders.ToMetadata(given, []);
            return await RelayAsync(caller, request.Id, context, Pass);

            // What the app says comes back as it was said: status, details, headers and trailers.
            AsyncUnaryCall<InvokeResponse> Pass(CancellationToken cancellation) =>
                peer.InvokeServiceAsync(request, headers, context.Deadline, cancellation);
        }
        return await SendAsync(caller, request, given, context);
    }

    private async Task<InvokeResponse> SendAsync(
        Caller caller,
        InvokeServiceRequest request,
        List<KeyValuePair<string, StringValues>> given,
        ServerCallContext context
    )
    {
        var message = request.Message ?? new InvokeRequest();
        var target = new InvokeTarget(request.Id, message.Method.TrimStart('/'));
        var verb = VerbOf(message);
        var route = routes.Find(caller, target, verb);
        using var held = await route.Line.EnterAsync(context.CancellationToken);
        var query = message.HttpExtension?.Querystring ?? "";
        var sent = new InvokeMessage(verb, target.Path, query, BodyOf(message, verb))
        {
            Headers = WithType(given, message.ContentType),
        };
        using var response = await Invoker.SendAsync(caller, route, sent, context.CancellationToken);
        return await AnswerAsync(response, context);
    }

    private static async Task<InvokeResponse> RelayAsync(
        Caller caller,
        string id,
        ServerCallContext context,
        Func<CancellationToken, AsyncUnaryCall<InvokeResponse>> call
    )
    {
        var relayed = await RelayedCall.MakeAsync(caller, id, call, context.CancellationToken);
        await context.WriteResponseHeadersAsync(Passed(relayed.Headers));
        if (relayed.Failure is { } failure)
            throw failure;
        foreach (var entry in Passed(relayed.Trailers))
            context.ResponseTrailers.Add(entry);
        return relayed.Response;
    }

    private static async Task<InvokeResponse> AnswerAsync(HttpResponseMessage from, ServerCallContext context)
    {
        var body = await from.Content.ReadAsByteArrayAsync(context.CancellationToken);
        var status = (int)from.StatusCode;
        var headers = InvokeHeaders.ToMetadata(from);
        headers.Add(StatusHeader, $"{status}");
        await context.WriteResponseHeadersAsync(headers);
        var code = StatusMap.ToGrpc(status);
        if (code != StatusCode.OK)
            throw Failed(from, status, code, body);
        return new InvokeResponse
        {
            ContentType = from.Content.Headers.NonValidated.TryGetValues("content-type", out var type)
                ? type.ToString()
                : "",
            Data = new Any { Value = UnsafeByteOperations.UnsafeWrap(body) },
        };
    }

    private static RpcException Failed(HttpResponseMessage from, int status, StatusCode code, byte[] body)
    {
        var phrase = from.ReasonPhrase is { Length: > 0 } text ? text : $"{from.StatusCode}";
        // The library's ErrorInfo still calls field 1 by its first name, type; on the wire it is the reason.
        var info = new ErrorInfo { Domain = "dapr.io", Type = phrase };
        info.Metadata["http.code"] = $"{status}";
        info.Metadata["http.error_message"] = System.Text.Encoding.UTF8.GetString(
            body.AsSpan(0, Math.Min(body.Length, ErrorTextMax))
        );
        var details = new RpcStatus { Code = (int)code, Message = phrase };
        details.Details.Add(Any.Pack(info));
        return new DaprException(
            new Status(code, phrase),
            new Metadata { { "grpc-status-details-bin", details.ToByteArray() } },
            status,
            "ERR_DIRECT_INVOKE"
        );
    }

    private static string VerbOf(InvokeRequest message) =>
        message.HttpExtension is { Verb: not HTTPExtension.Types.Verb.None } http
            ? http.Verb.ToString().ToUpperInvariant()
            : "POST";

    private static InvokeBody BodyOf(InvokeRequest message, string verb) =>
        message.Data is { Value.IsEmpty: false } data || verb is "POST" or "PUT" or "PATCH"
            ? InvokeBody.Of(message.Data?.Value.Memory ?? ReadOnlyMemory<byte>.Empty)
            : InvokeBody.None;

    private static List<KeyValuePair<string, StringValues>> HeadersOf(
        ServerCallContext context,
        Caller caller,
        InvokeServiceRequest request
    )
    {
        var given = InvokeHeaders.FromMetadata(context.RequestHeaders);
        var address = context.GetHttpContext().Connection.RemoteIpAddress;
        return InvokeHeaders.ForApp(given, caller, request.Id, address);
    }

    private static List<KeyValuePair<string, StringValues>> WithType(
        List<KeyValuePair<string, StringValues>> headers,
        string contentType
    )
    {
        if (contentType.Length > 0)
            headers.Add(KeyValuePair.Create("content-type", new StringValues(contentType)));
        return headers;
    }

    private static Metadata Passed(Metadata from)
    {
        var passed = new Metadata();
        foreach (var entry in from)
        {
            if (!InvokeHeaders.IsOfGrpc(entry.Key) && entry.Key is not ("date" or "server"))
                passed.Add(entry);
        }
        return passed;
    }
}
