using System.Net.WebSockets;
using Souk.Gateway.Http;
using Souk.Gateway.Transcoding;
using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Streams;

/// <summary>The text messages that come over a socket.</summary>
internal sealed class SocketSource(WebSocket socket, int messageBytesMax)
{
    private const int ReadBytes = 4096;

    /// <summary>Reads the next message; false once the client says goodbye.</summary>
    public async ValueTask<bool> ReadAsync(PooledBuffer message, CancellationToken token)
    {
        message.Truncate(0);
        while (true)
        {
            var read = await socket.ReceiveAsync(message.GetMemory(ReadBytes), token);
            if (read.MessageType == WebSocketMessageType.Close)
                return false;
            if (read.MessageType == WebSocketMessageType.Binary)
                throw Fault.InvalidArgument(Reason.UnsupportedMediaType, "message", "must be a text frame");
            message.Advance(read.Count);
            if (message.Length > messageBytesMax)
                throw BodyReader.TooLarge(messageBytesMax);
            if (read.EndOfMessage)
                return true;
        }
    }

    /// <summary>Reads and forgets until the client says goodbye.</summary>
    public async Task DrainAsync(CancellationToken token)
    {
        using var nothing = new PooledBuffer();
        try
        {
            var read = await socket.ReceiveAsync(nothing.GetMemory(ReadBytes), token);
            while (read.MessageType != WebSocketMessageType.Close)
                read = await socket.ReceiveAsync(nothing.GetMemory(ReadBytes), token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            socket.Abort();
        }
    }
}
