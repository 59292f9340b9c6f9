using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>A connection that is opened again whenever the gateway closed it. A hang is a failure.</summary>
internal sealed class FuzzSocket(int port) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly byte[] _buffer = new byte[256 * 1024];
    private Socket? _socket;

    /// <summary>
    /// Sends a request; returns once its answer was read, or the connection was closed over it.
    /// </summary>
    public async Task SendAsync(TextRequest request)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var socket = await OpenAsync(patience.Token);
            await socket.SendAsync(request.Bytes, patience.Token);
            if (!request.IsFramed)
                socket.Shutdown(SocketShutdown.Send);
            if (!await ReadAnswerAsync(socket, request.IsFramed, patience.Token))
                Close();
        }
        catch (OperationCanceledException)
        {
            throw Hang(request.Bytes);
        }
        catch (SocketException)
        {
            // Cut off in the middle of what it sent: an answer, too.
            Close();
        }
    }

    /// <summary>
    /// Sends frames on a new connection; returns once all was dealt with or the connection is closed.
    /// </summary>
    public async Task SendAsync(byte[] frames)
    {
        using var patience = new CancellationTokenSource(Patience);
        Close();
        try
        {
            var socket = await OpenAsync(patience.Token);
            await socket.SendAsync(FuzzFrames.Opening, patience.Token);
            await socket.SendAsync(frames, patience.Token);
            await socket.SendAsync(FuzzFrames.Mark, patience.Token);
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(_buffer, patience.Token) > 0) { }
        }
        catch (OperationCanceledException)
        {
            throw Hang(frames);
        }
        catch (SocketException)
        {
            // As above.
        }
        Close();
    }

    public void Dispose() => Close();

    private static Exception Hang(byte[] sent) =>
        new TimeoutException($"No answer to {Encoding.Latin1.GetString(sent)} ({Convert.ToHexString(sent)})");

    private async Task<Socket> OpenAsync(CancellationToken token)
    {
        if (_socket is { } open)
            return open;
        // Closed by reset: a hundred thousand connections would leave more ports behind than there are.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            LingerState = new LingerOption(true, 0),
        };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), token);
        return _socket = socket;
    }

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }

    /// <summary>Whether the connection can take another request.</summary>
    private async Task<bool> ReadAnswerAsync(Socket socket, bool isFramed, CancellationToken token)
    {
        var length = 0;
        while (true)
        {
            if (length == _buffer.Length)
                return false;
            var read = await socket.ReceiveAsync(_buffer.AsMemory(length), token);
            if (read == 0)
                return false;
            length += read;
            if (isFramed && EndOf(_buffer.AsSpan(0, length)) is { } mayGoOn)
                return mayGoOn;
        }
    }

    /// <summary>Null while the answer is not whole.</summary>
    private static bool? EndOf(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return null;
        var head = answer[..(end + 2)];
        if (head.StartsWith("HTTP/1.1 101"u8) || head.IndexOf("\r\nConnection: close\r\n"u8) >= 0)
            return false;
        var body = answer[(end + 4)..];
        if (head.IndexOf("\r\nTransfer-Encoding: chunked\r\n"u8) >= 0)
            return body.EndsWith("0\r\n\r\n"u8) ? true : null;
        var at = head.IndexOf("\r\nContent-Length: "u8);
        var declared = at >= 0 && Utf8Parser.TryParse(head[(at + 18)..], out int said, out _) ? said : 0;
        if (head.StartsWith("HTTP/1.1 304"u8))
            declared = 0;
        return body.Length >= declared ? true : null;
    }
}
