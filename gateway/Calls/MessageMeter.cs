using System.Buffers.Binary;
using Souk.Shared;
using Reason = Souk.Type.Reason;

namespace Souk.Gateway.Calls;

/// <summary>Follows the frames of a gRPC body through whatever pieces it comes in.</summary>
internal sealed class MessageMeter(int messageBytesMax)
{
    private readonly byte[] _prefix = new byte[GrpcCall.PrefixBytes];
    private int _prefixBytes;
    private int _bytesLeft;

    /// <summary>Takes the next bytes; fails when a message is larger than allowed or is none.</summary>
    public void Count(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_bytesLeft > 0)
            {
                var passed = Math.Min(_bytesLeft, bytes.Length);
                _bytesLeft -= passed;
                bytes = bytes[passed..];
                continue;
            }
            var missing = Math.Min(GrpcCall.PrefixBytes - _prefixBytes, bytes.Length);
            bytes[..missing].CopyTo(_prefix.AsSpan(_prefixBytes));
            _prefixBytes += missing;
            bytes = bytes[missing..];
            if (_prefixBytes == GrpcCall.PrefixBytes)
                (_bytesLeft, _prefixBytes) = (LengthOf(_prefix, messageBytesMax), 0);
        }
    }

    /// <summary>There are no more bytes; fails within a message.</summary>
    public void End()
    {
        if (_bytesLeft > 0 || _prefixBytes > 0)
            throw Malformed("ends within a message");
    }

    /// <summary>The length that a message's prefix tells.</summary>
    public static int LengthOf(ReadOnlySpan<byte> prefix, int messageBytesMax)
    {
        if (prefix[0] > 1)
            throw Malformed("has a frame of no known kind");
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length <= messageBytesMax
            ? (int)length
            : throw Fault.ResourceExhausted(
                Reason.TooLarge,
                $"A message is larger than {messageBytesMax} bytes."
            );
    }

    public static Exception Malformed(string problem) => Fault.InvalidArgument("body", problem);
}
