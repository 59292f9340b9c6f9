namespace Grpc.Core;

/// <summary>
/// What every kind of call asks its transport for. The transport passes static functions and one state
/// object, so a call costs no closures; the older constructors take closures, which are kept in such a state
/// object.
/// </summary>
internal readonly struct CallHooks(
    object state,
    Func<object, Task<Metadata>> responseHeaders,
    Func<object, Status> status,
    Func<object, Metadata> trailers,
    Action<object> dispose
)
{
    public CallHooks(
        Task<Metadata> responseHeaders,
        Func<Status> status,
        Func<Metadata> trailers,
        Action dispose
    )
        : this(
            new Closures(responseHeaders, status, trailers, dispose),
            static state => ((Closures)state).ResponseHeaders,
            static state => ((Closures)state).Status(),
            static state => ((Closures)state).Trailers(),
            static state => ((Closures)state).Dispose()
        ) { }

    public Task<Metadata> ResponseHeadersAsync => responseHeaders(state);

    public Status GetStatus() => status(state);

    public Metadata GetTrailers() => trailers(state);

    public void Dispose() => dispose(state);

    private sealed record Closures(
        Task<Metadata> ResponseHeaders,
        Func<Status> Status,
        Func<Metadata> Trailers,
        Action Dispose
    );
}
