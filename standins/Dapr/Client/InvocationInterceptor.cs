using Dapr.Common;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Dapr.Client;

/// <summary>
/// Addresses a gRPC call to another app: the sidecar forwards whatever carries the app's id.
/// </summary>
public class InvocationInterceptor : Interceptor
{
    private const string AppIdHeader = "dapr-app-id";

    private readonly string _appId;
    private readonly string _daprApiToken;

    /// <summary>Addresses calls to <paramref name="appId"/>.</summary>
    public InvocationInterceptor(string appId, string daprApiToken)
    {
        _appId = appId;
        _daprApiToken = daprApiToken;
    }

    /// <inheritdoc/>
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        BlockingUnaryCallContinuation<TRequest, TResponse> continuation
    ) => continuation(request, Address(context));

    /// <inheritdoc/>
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation
    ) => continuation(request, Address(context));

    /// <inheritdoc/>
    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation
    ) => continuation(request, Address(context));

    /// <inheritdoc/>
    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<
        TRequest,
        TResponse
    >(
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation
    ) => continuation(Address(context));

    /// <inheritdoc/>
    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<
        TRequest,
        TResponse
    >(
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation
    ) => continuation(Address(context));

    private ClientInterceptorContext<TRequest, TResponse> Address<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context
    )
        where TRequest : class
        where TResponse : class
    {
        // A copy: the caller may use one Metadata for several calls, to several apps.
        var headers = new Metadata();
        foreach (var entry in context.Options.Headers ?? [])
            headers.Add(entry);
        headers.Add(AppIdHeader, _appId);
        if (!string.IsNullOrEmpty(_daprApiToken))
            headers.Add(SidecarChannel.ApiTokenHeader, _daprApiToken);
        return new ClientInterceptorContext<TRequest, TResponse>(
            context.Method,
            context.Host,
            context.Options.WithHeaders(headers)
        );
    }
}
