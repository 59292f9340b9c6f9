namespace Grpc.Core;

/// <summary>
/// What a caller may set for a single call. Copied by value, so changing one never affects a call under way.
/// </summary>
public readonly struct CallOptions
{
    /// <summary>Creates options; everything may be left out.</summary>
    public CallOptions(
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default,
        WriteOptions? writeOptions = null,
        ContextPropagationToken? propagationToken = null,
        CallCredentials? credentials = null
    )
    {
        Headers = headers;
        Deadline = deadline;
        CancellationToken = cancellationToken;
        WriteOptions = writeOptions;
        PropagationToken = propagationToken;
        Credentials = credentials;
    }

    /// <summary>Headers to send.</summary>
    public Metadata? Headers { get; private init; }

    /// <summary>The moment (UTC) at which the caller gives up.</summary>
    public DateTime? Deadline { get; private init; }

    /// <summary>Cancels the call.</summary>
    public CancellationToken CancellationToken { get; private init; }

    /// <summary>How requests are written.</summary>
    public WriteOptions? WriteOptions { get; private init; }

    /// <summary>The incoming call that this call is part of.</summary>
    public ContextPropagationToken? PropagationToken { get; private init; }

    /// <summary>Credentials for this call alone.</summary>
    public CallCredentials? Credentials { get; private init; }

    /// <summary>Whether the call waits for a connection instead of failing while there is none.</summary>
    public bool IsWaitForReady { get; private init; }

    /// <summary>These options with other headers.</summary>
    public CallOptions WithHeaders(Metadata headers) => this with { Headers = headers };

    /// <summary>These options with another deadline.</summary>
    public CallOptions WithDeadline(DateTime deadline) => this with { Deadline = deadline };

    /// <summary>These options with another token.</summary>
    public CallOptions WithCancellationToken(CancellationToken cancellationToken) =>
        this with
        {
            CancellationToken = cancellationToken,
        };

    /// <summary>These options with other write options.</summary>
    public CallOptions WithWriteOptions(WriteOptions writeOptions) =>
        this with
        {
            WriteOptions = writeOptions,
        };

    /// <summary>These options as part of another incoming call.</summary>
    public CallOptions WithPropagationToken(ContextPropagationToken propagationToken) =>
        this with
        {
            PropagationToken = propagationToken,
        };

    /// <summary>These options with other credentials.</summary>
    public CallOptions WithCredentials(CallCredentials credentials) =>
        this with
        {
            Credentials = credentials,
        };

    /// <summary>These options, waiting for a connection or not.</summary>
    public CallOptions WithWaitForReady(bool waitForReady = true) =>
        this with
        {
            IsWaitForReady = waitForReady,
        };
}
