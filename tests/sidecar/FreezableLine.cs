using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;

namespace Souk.Tests.Sidecar;

/// <summary>
/// A client's line that can go dead as one does whose machine is gone: nothing is read, nothing leaves, and
/// nobody hangs up.
/// </summary>
internal sealed class FreezableLine(Stream inner) : Stream
{
    private volatile bool _isFrozen;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>A channel over one such line; the line is there once a call was made.</summary>
    internal static (GrpcChannel Channel, Func<FreezableLine> Line) Open(int port)
    {
        FreezableLine? line = null;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
                return line = new FreezableLine(new NetworkStream(socket, ownsSocket: true));
            },
        };
        var options = new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true };
        var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}", options);
        return (channel, () => line ?? throw new InvalidOperationException("nobody has called yet"));
    }

    internal void Freeze() => _isFrozen = true;

    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        if (_isFrozen)
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return count;
    }

    public override ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    ) => _isFrozen ? ValueTask.CompletedTask : inner.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }
}
