namespace Grpc.Core.Interceptors;

/// <summary>
/// The call that a client interceptor is asked about. To change it, pass a changed copy on.
/// </summary>
public readonly struct ClientInterceptorContext<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    /// <summary>Describes a call.</summary>
    public ClientInterceptorContext(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        Method = method;
        Host = host;
        Options = options;
    }

    /// <summary>What is called.</summary>
    public Method<TRequest, TResponse> Method { get; }

    /// <summary>The <c>:authority</c> of this call, or null for the channel's.</summary>
    public string? Host { get; }

    /// <summary>What the caller set.</summary>
    public CallOptions Options { get; }
}
