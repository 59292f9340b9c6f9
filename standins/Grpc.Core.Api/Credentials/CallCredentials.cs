namespace Grpc.Core;

/// <summary>Adds headers to a call before it is sent, mostly an <c>authorization</c>.</summary>
public delegate Task AsyncAuthInterceptor(AuthInterceptorContext context, Metadata metadata);

/// <summary>Which call an <see cref="AsyncAuthInterceptor" /> is asked about.</summary>
public class AuthInterceptorContext
{
    /// <summary>Describes a call that cannot be cancelled.</summary>
    public AuthInterceptorContext(string serviceUrl, string methodName)
        : this(serviceUrl, methodName, CancellationToken.None) { }

    /// <summary>Describes a call.</summary>
    public AuthInterceptorContext(string serviceUrl, string methodName, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(serviceUrl);
        ArgumentNullException.ThrowIfNull(methodName);
        ServiceUrl = serviceUrl;
        MethodName = methodName;
        CancellationToken = cancellationToken;
    }

    /// <summary>The address of the service.</summary>
    public string ServiceUrl { get; }

    /// <summary>The method without its service.</summary>
    public string MethodName { get; }

    /// <summary>Cancelled with the call.</summary>
    public CancellationToken CancellationToken { get; }
}

/// <summary>
/// Who a call claims to be from. Sent with each call, unlike <see cref="ChannelCredentials" />.
/// </summary>
public abstract class CallCredentials
{
    /// <summary>For derived classes.</summary>
    protected CallCredentials() { }

    /// <summary>Credentials that apply all of these in order.</summary>
    public static CallCredentials Compose(params CallCredentials[] credentials) => new Composite(credentials);

    /// <summary>Credentials that ask the interceptor for each call.</summary>
    public static CallCredentials FromInterceptor(AsyncAuthInterceptor interceptor) =>
        new Intercepting(interceptor);

    /// <summary>Tells the configurator what these credentials are; for transports.</summary>
    public abstract void InternalPopulateConfiguration(
        CallCredentialsConfiguratorBase configurator,
        object? state
    );

    private sealed class Composite : CallCredentials
    {
        private readonly CallCredentials[] _parts;

        public Composite(CallCredentials[] parts)
        {
            ArgumentNullException.ThrowIfNull(parts);
            if (parts.Length < 2)
                throw new ArgumentException("Composing takes two or more credentials.", nameof(parts));
            _parts = [.. parts];
        }

        public override void InternalPopulateConfiguration(
            CallCredentialsConfiguratorBase configurator,
            object? state
        ) => configurator.SetCompositeCredentials(state, _parts);
    }

    private sealed class Intercepting : CallCredentials
    {
        private readonly AsyncAuthInterceptor _interceptor;

        public Intercepting(AsyncAuthInterceptor interceptor)
        {
            ArgumentNullException.ThrowIfNull(interceptor);
            _interceptor = interceptor;
        }

        public override void InternalPopulateConfiguration(
            CallCredentialsConfiguratorBase configurator,
            object? state
        ) => configurator.SetAsyncAuthInterceptorCredentials(state, _interceptor);
    }
}

/// <summary>How a transport learns what call credentials are made of.</summary>
public abstract class CallCredentialsConfiguratorBase
{
    /// <summary>For derived classes.</summary>
    protected CallCredentialsConfiguratorBase() { }

    /// <summary>They ask an interceptor.</summary>
    public abstract void SetAsyncAuthInterceptorCredentials(object? state, AsyncAuthInterceptor interceptor);

    /// <summary>They are several in order.</summary>
    public abstract void SetCompositeCredentials(object? state, IReadOnlyList<CallCredentials> credentials);
}
