using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using Souk.Gateway.Calls;

namespace Souk.Gateway.Grpc;

/// <summary>
/// The bytes of a base64 body. Clients encode each piece by itself, so padding may come anywhere, but only at
/// the end of a group of four.
/// </summary>
internal sealed class Base64Reader(PipeReader source) : Stream
{
    private const int GroupChars = 4;
    private const int GroupBytes = 3;

    private readonly byte[] _group = new byte[GroupBytes];
    private ReadOnlyMemory<byte> _rest;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        while (_rest.IsEmpty)
        {
            var read = await source.ReadAsync(cancellationToken);
            var taken = Decode(read.Buffer, buffer.Span, out var written);
            var isStuck = taken < 0 || (taken == 0 && read.IsCompleted && !read.Buffer.IsEmpty);
            var next = read.Buffer.GetPosition(Math.Max(taken, 0));
            // Less than a group has to wait for the rest of it. This comes before anything is thrown: a
            // reader in the middle of a read cannot be drained.
            source.AdvanceTo(next, read.Buffer.Length - taken < GroupChars ? read.Buffer.End : next);
            if (isStuck)
                throw Malformed();
            if (written > 0 || read.IsCompleted)
                return written;
        }
        return TakeRest(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken token) =>
        ReadAsync(buffer.AsMemory(offset, count), token).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    // Decodes whole groups up to the first padded one; returns how many characters that
    // took, or -1 for what is no base64.
    private long Decode(ReadOnlySequence<byte> text, Span<byte> target, out int written)
    {
        written = 0;
        var taken = 0L;
        Span<byte> group = stackalloc byte[GroupChars];
        while (text.Length - taken >= GroupChars && written < target.Length)
        {
            text.Slice(taken, GroupChars).CopyTo(group);
            var outcome = Base64.DecodeFromUtf8(group, _group, out _, out var bytes);
            if (outcome != OperationStatus.Done || bytes == 0)
                return -1;
            taken += GroupChars;
            var fitting = Math.Min(bytes, target.Length - written);
            _group.AsSpan(0, fitting).CopyTo(target[written..]);
            written += fitting;
            _rest = _group.AsMemory(fitting, bytes - fitting);
        }
        return taken;
    }

    private int TakeRest(Span<byte> target)
    {
        var count = Math.Min(_rest.Length, target.Length);
        _rest.Span[..count].CopyTo(target);
        _rest = _rest[count..];
        return count;
    }

    private static Exception Malformed() => MessageMeter.Malformed("is not base64");
}
