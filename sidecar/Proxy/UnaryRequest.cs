using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Souk.Sidecar.Proxy;

/// <summary>
/// Tells a unary call from a stream by its request: exactly one message, and then the end. Only such a call
/// can be made again.
/// </summary>
internal static class UnaryRequest
{
    private const int PrefixLength = 5;

    // A caller that has sent its only message ends its side along with it; one that waits for answers does
    // not.
    private static readonly TimeSpan EndPatience = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The whole request; null, with nothing consumed, when it is not that of a unary call.
    /// </summary>
    public static async Task<ReadOnlyMemory<byte>?> TryReadAsync(
        PipeReader reader,
        int limit,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        ITimer? patience = null;
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync(cancellation);
                var buffer = result.Buffer;
                var isOne = HasOneMessage(buffer);
                if (result.IsCompleted && isOne)
                {
                    var request = buffer.ToArray();
                    reader.AdvanceTo(buffer.End);
                    return request;
                }
                if (result.IsCompleted || result.IsCanceled || buffer.Length > limit || HasMore(buffer))
                {
                    reader.AdvanceTo(buffer.Start);
                    return null;
                }
                if (isOne)
                    patience ??= clock.CreateTimer(
                        static state => (state as PipeReader)?.CancelPendingRead(),
                        reader,
                        EndPatience,
                        Timeout.InfiniteTimeSpan
                    );
                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        finally
        {
            if (patience is not null)
                await patience.DisposeAsync();
        }
    }

    private static bool HasOneMessage(ReadOnlySequence<byte> buffer) =>
        LengthOfFirst(buffer) is { } length && buffer.Length == length;

    private static bool HasMore(ReadOnlySequence<byte> buffer) =>
        LengthOfFirst(buffer) is { } length && buffer.Length > length;

    // A flag byte, the length in four bytes, the message.
    private static long? LengthOfFirst(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < PrefixLength)
            return null;
        Span<byte> prefix = stackalloc byte[PrefixLength];
        buffer.Slice(0, PrefixLength).CopyTo(prefix);
        return PrefixLength + (long)BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
    }
}
