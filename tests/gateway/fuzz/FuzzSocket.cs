using System.Net;
using System.Net.Sockets;
using System.Text;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>A connection that is opened again whenever the gateway closed it. A hang is a failure.</summary>
internal sealed class FuzzSocket(int port) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly byte[] _buffer = new byte[256 * 1024];
    private Socket? _socket;
    private int _read;

    /// <summary>
    /// Sends a request; returns once its answer was read, or the connection was closed over it.
    /// </summary>
    public async Task SendAsync(TextRequest request)
    {
        using var patience = new CancellationTokenSource(Patience);
        _read = 0;
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
        _read = 0;
        try
        {
            var socket = await OpenAsync(patience.Token);
            await socket.SendAsync(Http2Frames.Opening, patience.Token);
            await socket.SendAsync(frames, patience.Token);
            await socket.SendAsync(FuzzFrames.Mark, patience.Token);
            socket.Shutdown(SocketShutdown.Send);
            do _read = await socket.ReceiveAsync(_buffer, patience.Token);
            while (_read > 0);
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

    private Exception Hang(byte[] sent) =>
        new TimeoutException(
            $"No whole answer to {Encoding.Latin1.GetString(sent)} ({Convert.ToHexString(sent)}), "
                + $"only {Encoding.Latin1.GetString(_buffer, 0, _read)}"
        );

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
        while (true)
        {
            if (_read == _buffer.Length)
                return false;
            var read = await socket.ReceiveAsync(_buffer.AsMemory(_read), token);
            if (read == 0)
                return false;
            _read += read;
            if (isFramed && Http1Answer.LengthOf(_buffer.AsSpan(0, _read)) is { } length)
                return length == _read
                    ? Http1Answer.MayGoOn(_buffer.AsSpan(0, length))
                    : throw new InvalidDataException("One request has more than one answer.");
        }
    }
}
