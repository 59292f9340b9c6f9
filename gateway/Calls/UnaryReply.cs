using Google.Rpc;
using Souk.Gateway.Calls.Http2;

namespace Souk.Gateway.Calls;

/// <summary>The whole answer of a unary call.</summary>
internal sealed class UnaryReply : IDisposable
{
    private readonly UnaryStream _stream;
    private readonly int _end;
    private Status? _ending;

    /// <summary>InvalidDataException when the body is no message.</summary>
    public UnaryReply(UnaryStream stream)
    {
        _stream = stream;
        var body = stream.Body.Written;
        if (body.IsEmpty)
            return;
        _end =
            GrpcReply.FrameLength(body) ?? throw new InvalidDataException("The reply ends within a message.");
    }

    /// <summary>Whether there was any message.</summary>
    public bool HasMessage => _end > 0;

    public ReadOnlySpan<byte> Message => _stream.Body.Written[GrpcCall.PrefixBytes.._end];

    /// <summary>The message with its prefix.</summary>
    public ReadOnlyMemory<byte> Frame => _stream.Body.WrittenMemory[.._end];

    /// <summary>What the service says before its message.</summary>
    public HeaderList Leading => _stream.Leading;

    /// <summary>
    /// What the service says after its message; null for an answer of nothing but headers, which are then its
    /// trailers.
    /// </summary>
    public HeaderList? Trailing => _stream.Trailing;

    /// <summary>The call's status.</summary>
    public Status Ending => _ending ??= GrpcStatus.Of(_stream.HttpStatus, (Trailing ?? Leading).Value);

    public void Dispose() => _stream.Body.Dispose();
}
