using System.Buffers;

namespace Souk.Gateway.Transcoding;

/// <summary>Growing bytes from the shared pool: the target of both directions of transcoding.</summary>
/// <param name="initialBytes">How many it takes from the pool with the first write, not before.</param>
internal sealed class PooledBuffer(int initialBytes = PooledBuffer.InitialBytes)
    : IBufferWriter<byte>,
        IDisposable
{
    private const int InitialBytes = 1024;

    private byte[] _bytes = [];

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>What was written, for asynchronous senders.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, Length);

    /// <inheritdoc/>
    public void Advance(int count) => Length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(Length);
    }

    /// <summary>Writes bytes as they are.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Advance(bytes.Length);
    }

    /// <summary>
    /// Drops all bytes past the length given, such as a header of a list that proved empty.
    /// </summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Overwrites bytes that were written before.</summary>
    public Span<byte> At(int position, int count) => _bytes.AsSpan(position, count);

    /// <summary>Moves everything from a position on, to make room for a length that proved longer.</summary>
    public void Shift(int position, int distance)
    {
        Reserve(distance);
        _bytes.AsSpan(position, Length - position).CopyTo(_bytes.AsSpan(position + distance));
        Length += distance;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var bytes = _bytes;
        _bytes = [];
        Length = 0;
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - Length >= count)
            return;
        var wanted = Math.Max(_bytes.Length * 2, Length + count);
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, initialBytes));
        Written.CopyTo(larger);
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
