namespace Grpc.Core;

/// <summary>One call as its handler sees it.</summary>
public abstract class ServerCallContext
{
    private Dictionary<object, object>? _userState;

    /// <summary>For derived classes.</summary>
    protected ServerCallContext() { }

    /// <summary>The path of the method: <c>/service/method</c>.</summary>
    public string Method => MethodCore;

    /// <summary>Whom the caller meant to reach.</summary>
    public string Host => HostCore;

    /// <summary>The caller's address.</summary>
    public string Peer => PeerCore;

    /// <summary>The moment (UTC) at which the caller gives up; the largest value if it never does.</summary>
    public DateTime Deadline => DeadlineCore;

    /// <summary>What the caller sent before its first message.</summary>
    public Metadata RequestHeaders => RequestHeadersCore;

    /// <summary>Cancelled when the caller gives up, goes away or runs out of time.</summary>
    public CancellationToken CancellationToken => CancellationTokenCore;

    /// <summary>What to send after the last message.</summary>
    public Metadata ResponseTrailers => ResponseTrailersCore;

    /// <summary>
    /// How the call ends if the handler returns; throwing an <see cref="RpcException" /> decides otherwise.
    /// </summary>
    public Status Status
    {
        get => StatusCore;
        set => StatusCore = value;
    }

    /// <summary>How responses are written.</summary>
    public WriteOptions? WriteOptions
    {
        get => WriteOptionsCore;
        set => WriteOptionsCore = value;
    }

    /// <summary>Who the caller is as far as the connection knows.</summary>
    public AuthContext AuthContext => AuthContextCore;

    /// <summary>Anything that interceptors and the handler want to share for the time of the call.</summary>
    public IDictionary<object, object> UserState => UserStateCore;

    /// <inheritdoc cref="Method" />
    protected abstract string MethodCore { get; }

    /// <inheritdoc cref="Host" />
    protected abstract string HostCore { get; }

    /// <inheritdoc cref="Peer" />
    protected abstract string PeerCore { get; }

    /// <inheritdoc cref="Deadline" />
    protected abstract DateTime DeadlineCore { get; }

    /// <inheritdoc cref="RequestHeaders" />
    protected abstract Metadata RequestHeadersCore { get; }

    /// <inheritdoc cref="CancellationToken" />
    protected abstract CancellationToken CancellationTokenCore { get; }

    /// <inheritdoc cref="ResponseTrailers" />
    protected abstract Metadata ResponseTrailersCore { get; }

    /// <inheritdoc cref="Status" />
    protected abstract Status StatusCore { get; set; }

    /// <inheritdoc cref="WriteOptions" />
    protected abstract WriteOptions? WriteOptionsCore { get; set; }

    /// <inheritdoc cref="AuthContext" />
    protected abstract AuthContext AuthContextCore { get; }

    /// <inheritdoc cref="UserState" />
    // Most calls never ask for it.
    protected virtual IDictionary<object, object> UserStateCore => _userState ??= [];

    /// <summary>Sends headers now rather than with the first message; at most once per call.</summary>
    public Task WriteResponseHeadersAsync(Metadata responseHeaders) =>
        WriteResponseHeadersAsyncCore(responseHeaders);

    /// <summary>A token that makes an outgoing call part of this one.</summary>
    public ContextPropagationToken CreatePropagationToken(ContextPropagationOptions? options = null) =>
        CreatePropagationTokenCore(options);

    /// <inheritdoc cref="WriteResponseHeadersAsync" />
    protected abstract Task WriteResponseHeadersAsyncCore(Metadata responseHeaders);

    /// <inheritdoc cref="CreatePropagationToken" />
    protected abstract ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options);
}
