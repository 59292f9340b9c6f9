using System.Buffers;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Souk.Shared.Connections;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port without TLS. Kestrel lets TLS choose between them; without TLS an endpoint
/// serves one or the other. But a client that knows beforehand that we speak HTTP/2 (RFC 9113 section 3.3)
/// starts with a fixed text that is no HTTP/1.1 request. So the port, which serves HTTP/1.1, looks at each
/// connection's first bytes and hands connections that start so to this endpoint, which serves HTTP/2. It
/// exists inside the process only: <see cref="PriorKnowledgeListeners"/> lets Kestrel listen at it.
/// </summary>
/// <param name="name">What logs call the endpoint.</param>
/// <param name="patience">How long a connection may be silent before its first bytes.</param>
internal sealed class PriorKnowledge(string name, TimeSpan patience) : EndPoint, IConnectionListener
{
    private readonly Channel<ConnectionContext> _handed = Channel.CreateUnbounded<ConnectionContext>();

    EndPoint IConnectionListener.EndPoint => this;

    /// <summary>What a client that speaks HTTP/2 sends before anything else.</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>
    /// Lets the port serve a connection that speaks HTTP/1.1, and hands any other to this endpoint. Returns
    /// when the connection has been served.
    /// </summary>
    public async Task SortAsync(ConnectionContext connection, ConnectionDelegate http1)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        silence.CancelAfter(patience);
        bool isHttp2;
        try
        {
            isHttp2 = await StartsWithPrefaceAsync(connection, silence.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // It went away, or never said a word.
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

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        var connections = _handed.Reader;
        return await connections.WaitToReadAsync(cancellationToken) && connections.TryRead(out var connection)
            ? connection
            : null;
    }

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _handed.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => UnbindAsync();

    /// <inheritdoc/>
    public override string ToString() => name;

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
}
