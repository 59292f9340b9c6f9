using System.Diagnostics;

namespace Grpc.Core;

/// <summary>How a call ended: a code and a text for people.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public readonly struct Status
{
    /// <summary>Success, without a text.</summary>
    public static readonly Status DefaultSuccess = new(StatusCode.OK, "");

    /// <summary>Cancelled, without a text.</summary>
    public static readonly Status DefaultCancelled = new(StatusCode.Cancelled, "");

    /// <summary>Creates a status.</summary>
    public Status(StatusCode statusCode, string detail)
        : this(statusCode, detail, null) { }

    /// <summary>
    /// Creates a status with the local exception behind it, which never travels to the peer.
    /// </summary>
    public Status(StatusCode statusCode, string detail, Exception? debugException)
    {
        StatusCode = statusCode;
        Detail = detail;
        DebugException = debugException;
    }

    /// <summary>The code.</summary>
    public StatusCode StatusCode { get; }

    /// <summary>The text that travels with the code.</summary>
    public string Detail { get; }

    /// <summary>What went wrong on this side of the wire, if that is known.</summary>
    public Exception? DebugException { get; }

    /// <inheritdoc />
    public override string ToString()
    {
        var cause = DebugException is null ? "" : $", DebugException=\"{DebugException}\"";
        return $"Status(StatusCode=\"{StatusCode}\", Detail=\"{Detail}\"{cause})";
    }
}
