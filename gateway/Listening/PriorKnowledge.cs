using System.Buffers;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Souk.Gateway.Listening;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port without TLS. Kestrel leaves the choice between them to TLS and else serves
/// one per endpoint; but a client that knows we speak HTTP/2 starts with a fixed text that is no HTTP/1.1
/// request. So the public endpoint looks at a connection's first bytes and hands those of HTTP/2 to an
/// endpoint of this process.
/// </summary>
internal sealed class PriorKnowledge(TimeSpan patience)
    : IConnectionListenerFactory,
        IConnectionListenerFactorySelector,
        IConnectionListener
{
    private readonly Channel<ConnectionContext> _handed = Channel.CreateUnbounded<ConnectionContext>();

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Where the connections are handed to.</summary>
    public EndPoint EndPoint { get; } = new Door();

    public bool CanBind(EndPoint endpoint) => endpoint is Door;

    public ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult<IConnectionListener>(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        var connections = _handed.Reader;
        return await connections.WaitToReadAsync(cancellationToken) && connections.TryRead(out var connection)
            ? connection
            : null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _handed.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>Serves a connection here when it speaks HTTP/1.1, else hands it over.</summary>
    public async Task SortAsync(ConnectionContext connection, ConnectionDelegate http1)
    {
        // Whoever connects has something to say; a silent connection is held no longer than slow headers are.
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        silence.CancelAfter(patience);
        bool isHttp2;
        try
        {
            isHttp2 = await StartsWithPrefaceAsync(connection, silence.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            connection.Abort();
            return;
        }
        if (!isHttp2)
        {
            await http1(connection);
            return;
        }
        var handed = new HandedConnection(connection);
        if (_handed.Writer.TryWrite(handed))
            await handed.Served;
        else
            connection.Abort();
    }

    private static async ValueTask<bool> StartsWithPrefaceAsync(
        ConnectionContext connection,
        CancellationToken token
    )
    {
        var input = connection.Transport.Input;
        while (true)
        {
            var read = await input.ReadAsync(token);
            var head = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, Preface.Length));
            var isLike = IsLikePreface(head);
            var isDecided = !isLike || head.Length == Preface.Length || read.IsCompleted;
            // Nothing is consumed: whoever serves the connection reads from its first byte.
            input.AdvanceTo(read.Buffer.Start, isDecided ? read.Buffer.Start : read.Buffer.End);
            if (isDecided)
                return isLike && head.Length == Preface.Length;
        }
    }

    private static bool IsLikePreface(ReadOnlySequence<byte> head)
    {
        Span<byte> bytes = stackalloc byte[Preface.Length];
        head.CopyTo(bytes);
        return bytes[..(int)head.Length].SequenceEqual(Preface[..(int)head.Length]);
    }

    private sealed class Door : EndPoint
    {
        public override string ToString() => "http2-in-process";
    }
}
