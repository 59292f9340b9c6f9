namespace Grpc.Core;

/// <summary>
/// A call that did not end well. Clients get it from a failed call; a handler throws it to choose the status
/// and the trailers that its caller sees.
/// </summary>
public class RpcException : Exception
{
    /// <summary>Fails with a status.</summary>
    public RpcException(Status status)
        : this(status, Metadata.Empty, status.ToString()) { }

    /// <summary>Fails with a status and a message of its own, which stays on this side.</summary>
    public RpcException(Status status, string message)
        : this(status, Metadata.Empty, message) { }

    /// <summary>Fails with a status and trailers.</summary>
    public RpcException(Status status, Metadata trailers)
        : this(status, trailers, status.ToString()) { }

    /// <summary>Fails with a status, trailers and a message of its own.</summary>
    public RpcException(Status status, Metadata trailers, string message)
        : base(message, status.DebugException)
    {
        ArgumentNullException.ThrowIfNull(trailers);
        Status = status;
        Trailers = trailers;
    }

    /// <summary>How the call ended.</summary>
    public Status Status { get; }

    /// <summary>The code of <see cref="Status" />.</summary>
    public StatusCode StatusCode => Status.StatusCode;

    /// <summary>
    /// What the server sent after its last message; empty and frozen when there was nothing.
    /// </summary>
    public Metadata Trailers { get; }
}
