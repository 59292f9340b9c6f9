namespace Grpc.Core;

/// <summary>A call under way: one request, a stream of responses.</summary>
public sealed class AsyncServerStreamingCall<TResponse> : IDisposable
{
    private readonly CallHooks _hooks;

    /// <summary>Creates a call over closures.</summary>
    public AsyncServerStreamingCall(
        IAsyncStreamReader<TResponse> responseStream,
        Task<Metadata> responseHeadersAsync,
        Func<Status> getStatusFunc,
        Func<Metadata> getTrailersFunc,
        Action disposeAction
    )
    {
        ResponseStream = responseStream;
        _hooks = new CallHooks(responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction);
    }

    /// <summary>Creates a call over functions that share one state object.</summary>
    public AsyncServerStreamingCall(
        IAsyncStreamReader<TResponse> responseStream,
        Func<object, Task<Metadata>> responseHeadersAsync,
        Func<object, Status> getStatusFunc,
        Func<object, Metadata> getTrailersFunc,
        Action<object> disposeAction,
        object state
    )
    {
        ResponseStream = responseStream;
        _hooks = new CallHooks(state, responseHeadersAsync, getStatusFunc, getTrailersFunc, disposeAction);
    }

    /// <summary>Gives the responses.</summary>
    public IAsyncStreamReader<TResponse> ResponseStream { get; }

    /// <summary>What the server sent before its first message.</summary>
    public Task<Metadata> ResponseHeadersAsync => _hooks.ResponseHeadersAsync;

    /// <summary>How the call ended; only once it has.</summary>
    public Status GetStatus() => _hooks.GetStatus();

    /// <summary>What the server sent after its last message; only once the call has ended.</summary>
    public Metadata GetTrailers() => _hooks.GetTrailers();

    /// <summary>Cancels the call if it still runs, and lets go of what it holds.</summary>
    public void Dispose() => _hooks.Dispose();
}
