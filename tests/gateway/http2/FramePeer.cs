using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Souk.Gateway.Calls.Http2;
using Souk.Gateway.Transcoding;

namespace Souk.Tests.Gateway.Http2;

internal sealed record Frame(FrameKind Kind, byte Flags, int Stream, byte[] Payload);

/// <summary>The server's side of one connection.</summary>
internal sealed class FramePeer(Socket socket) : IDisposable
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    public static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    public async Task GreetAsync((Setting, int)[] settings)
    {
        await _stream.ReadExactlyAsync(new byte[Frames.Preface.Length], Patience());
        using var own = new PooledBuffer();
        Frames.Settings(own, settings);
        await _stream.WriteAsync(own.WrittenMemory);
    }

    /// <summary>The next frame that is about a call.</summary>
    public async Task<Frame> NextAsync()
    {
        while (true)
        {
            var frame = await AnyAsync();
            if (frame.Stream > 0)
                return frame;
        }
    }

    /// <summary>The next frame of a kind.</summary>
    public async Task<Frame> NextAsync(FrameKind kind)
    {
        while (true)
        {
            var frame = await AnyAsync();
            if (frame.Kind == kind)
                return frame;
        }
    }

    /// <summary>Reads a call to its end, and returns its stream.</summary>
    public async Task<int> CallAsync()
    {
        while (true)
        {
            var frame = await NextAsync();
            if (frame.Kind == FrameKind.Data && (frame.Flags & Frames.EndStream) != 0)
                return frame.Stream;
        }
    }

    /// <summary>Reads the first call, and that our settings were taken; returns the call's stream.</summary>
    public async Task<int> ReadyAsync()
    {
        var (stream, isTaken) = (0, false);
        while (stream == 0 || !isTaken)
        {
            var frame = await AnyAsync();
            isTaken |= frame is { Kind: FrameKind.Settings, Flags: Frames.Ack };
            if (frame.Kind == FrameKind.Data && (frame.Flags & Frames.EndStream) != 0)
                stream = frame.Stream;
        }
        return stream;
    }

    public Task WriteAsync(FrameKind kind, int flags, int stream, params byte[] payload) =>
        WriteAsync(new Frame(kind, (byte)flags, stream, payload));

    public async Task WriteAsync(Frame frame)
    {
        using var bytes = new PooledBuffer();
        Frames.Head(bytes, frame.Kind, frame.Flags, frame.Stream, frame.Payload.Length);
        bytes.Append(frame.Payload);
        await _stream.WriteAsync(bytes.WrittenMemory);
    }

    /// <summary>Bytes that may be no frames.</summary>
    public async Task WriteAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    /// <summary>An answer as a good server gives it.</summary>
    public async Task AnswerAsync(int stream, string message = "hello", string status = "0")
    {
        await WriteAsync(FrameKind.Headers, Frames.EndHeaders, stream, Leading());
        await WriteAsync(FrameKind.Data, 0, stream, Message(message));
        await WriteAsync(
            FrameKind.Headers,
            Frames.EndHeaders | Frames.EndStream,
            stream,
            Block(("grpc-status", status))
        );
    }

    /// <summary>Reads until the other side has closed; false when it stays.</summary>
    public async Task<bool> IsClosedAsync()
    {
        try
        {
            while (true)
                await AnyAsync();
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public static byte[] Leading() => [0x88, .. Block(("content-type", "application/grpc"))];

    public static byte[] Block(params (string Name, string Value)[] headers)
    {
        using var block = new PooledBuffer();
        foreach (var (name, value) in headers)
            HpackWriter.Field(block, name, value);
        return block.Written.ToArray();
    }

    public static byte[] Message(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return [0, .. Number(bytes.Length), .. bytes];
    }

    public static byte[] Number(int value)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    public void Dispose() => _stream.Dispose();

    private async Task<Frame> AnyAsync()
    {
        var head = new byte[Frames.HeadBytes];
        await _stream.ReadExactlyAsync(head, Patience());
        var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await _stream.ReadExactlyAsync(payload, Patience());
        return new Frame(
            (FrameKind)head[3],
            head[4],
            BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)),
            payload
        );
    }
}
