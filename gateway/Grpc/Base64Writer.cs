using System.Buffers.Text;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Grpc;

/// <summary>
/// Encodes each piece that is written by itself, so that a reader can decode it when it is there.
/// </summary>
internal sealed class Base64Writer(Stream target) : Stream
{
    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        using var text = new PooledBuffer();
        var space = text.GetSpan(Base64.GetMaxEncodedToUtf8Length(buffer.Length));
        Base64.EncodeToUtf8(buffer.Span, space, out _, out var written);
        text.Advance(written);
        await target.WriteAsync(text.WrittenMemory, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken token) =>
        WriteAsync(buffer.AsMemory(offset, count), token).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        target.FlushAsync(cancellationToken);

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
