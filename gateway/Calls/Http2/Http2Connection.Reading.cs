using System.Buffers.Binary;
using System.Net.Sockets;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Calls.Http2;

internal sealed partial class Http2Connection
{
    private const int ReadBytes = 128 * 1024;
    private const int HeaderBytesMax = 64 * 1024;
    private const int PingBytes = 8;
    private const int AnswerBytesMax = GrpcCall.PrefixBytes + GrpcReply.MessageBytesMax;

    /// <summary>
    /// The window of the whole connection. It holds several of the largest answers, so that none waits
    /// because we have not yet read the others.
    /// </summary>
    private const int WindowOfAll = 16 * 1024 * 1024;

    /// <summary>
    /// How many pings and settings may wait for our acknowledgement to be sent. A server that asks for more
    /// does not read what we send, and would fill our memory.
    /// </summary>
    private const int AcksMax = 1000;

    private readonly PooledBuffer _block = new();
    private List<UnaryStream> _ended = [];
    private int _blockOf;
    private bool _blockEndsStream;
    private int _taken;
    private int _acks;

    private void Greet()
    {
        lock (_gate)
        {
            _pending.Append(Frames.Preface);
            Frames.Settings(
                _pending,
                (Setting.HeaderTableSize, 0),
                (Setting.EnablePush, 0),
                // A byte more than an answer may have, so that one too large is seen and not waited for.
                (Setting.InitialWindowSize, AnswerBytesMax + 1),
                (Setting.MaxHeaderListSize, HeaderBytesMax)
            );
            Frames.Number(_pending, FrameKind.WindowUpdate, 0, WindowOfAll - WindowFirst);
            Write();
        }
        // Reading goes on for all calls, so it must not inherit the execution context of the first one.
        ThreadPool.UnsafeQueueUserWorkItem(
            static connection => _ = connection.ReadAsync(),
            this,
            preferLocal: false
        );
    }

    private async Task ReadAsync()
    {
        var bytes = new byte[ReadBytes];
        var have = 0;
        try
        {
            while (true)
            {
                var read = await _socket.ReceiveAsync(bytes.AsMemory(have), SocketFlags.None);
                if (read == 0)
                    throw new IOException("The server has closed the connection.");
                have += read;
                var used = Take(bytes.AsSpan(0, have));
                TellEnded();
                bytes.AsSpan(used..have).CopyTo(bytes);
                have -= used;
            }
        }
        catch (Exception e)
        {
            // Whatever went wrong, nobody may wait any longer for what will not be read.
            Close(e as IOException ?? new IOException("The connection broke.", e));
        }
        finally
        {
            _block.Dispose();
        }
    }

    private void TellEnded()
    {
        List<UnaryStream> ended;
        lock (_gate)
        {
            if (_ended.Count == 0)
                return;
            (ended, _ended) = (_ended, []);
        }
        foreach (var stream in ended)
            stream.Tell();
    }

    /// <summary>Processes all frames that have come whole, and returns how many bytes those are.</summary>
    private int Take(ReadOnlySpan<byte> bytes)
    {
        var used = 0;
        lock (_gate)
        {
            _heardAt = _clock.GetTimestamp();
            while (bytes.Length - used >= Frames.HeadBytes)
            {
                var head = bytes.Slice(used, Frames.HeadBytes);
                var length = (head[0] << 16) | (head[1] << 8) | head[2];
                Require(length <= Frames.PayloadBytesMax, "A frame is too large.");
                if (bytes.Length - used - Frames.HeadBytes < length)
                    break;
                var stream = BinaryPrimitives.ReadInt32BigEndian(head[5..]) & int.MaxValue;
                Take((FrameKind)head[3], head[4], stream, bytes.Slice(used + Frames.HeadBytes, length));
                used += Frames.HeadBytes + length;
            }
            if (_pending.Length > 0 || (_isRetired && _streams.Count == 0))
                Write();
        }
        return used;
    }

    private void Take(FrameKind kind, byte flags, int id, ReadOnlySpan<byte> payload)
    {
        var isInBlock = _blockOf > 0;
        Require(
            isInBlock == (kind == FrameKind.Continuation),
            "A frame interrupts a field block, or CONTINUATION has none to continue."
        );
        switch (kind)
        {
            case FrameKind.Data:
                TakeData(StreamOf(id), flags, Unpadded(payload, flags), payload.Length);
                break;
            case FrameKind.Headers:
                StreamOf(id);
                (_blockOf, _blockEndsStream) = (id, (flags & Frames.EndStream) != 0);
                payload = Unpadded(payload, flags);
                if ((flags & Frames.WithPriority) != 0)
                {
                    Require(payload.Length >= 5, "HEADERS is too short for its priority.");
                    payload = payload[5..];
                }
                TakeBlock(flags, payload);
                break;
            case FrameKind.Continuation:
                Require(id == _blockOf, "CONTINUATION is of another stream.");
                TakeBlock(flags, payload);
                break;
            case FrameKind.ResetStream:
                TakeReset(StreamOf(id), (Http2Error)NumberIn(payload));
                break;
            case FrameKind.Settings:
                Require(id == 0, "SETTINGS names a stream.");
                TakeSettings(flags, payload);
                break;
            case FrameKind.PushPromise:
                throw new IOException("The server pushes, which we have disabled.");
            case FrameKind.Ping:
                Require(id == 0, "PING names a stream.");
                Require(payload.Length == PingBytes, "PING has a wrong length.");
                if ((flags & Frames.Ack) == 0)
                    Acknowledge(kind, payload);
                break;
            case FrameKind.GoAway:
                TakeGoAway(id, payload);
                break;
            case FrameKind.WindowUpdate:
                TakeWindow(id, NumberIn(payload) & int.MaxValue);
                break;
        }
    }

    /// <summary>
    /// The stream; null when it has ended on our side. A stream that we never opened is a protocol error.
    /// </summary>
    private UnaryStream? StreamOf(int id)
    {
        Require(id % 2 == 1 && (uint)id < (uint)_nextId, "A frame names a stream that was never opened.");
        return _streams.GetValueOrDefault(id);
    }

    private void TakeData(UnaryStream? stream, byte flags, ReadOnlySpan<byte> data, int counted)
    {
        _taken += counted;
        Require(_taken <= WindowOfAll, "The server exceeds the connection's window.");
        if (_taken > WindowOfAll / 2)
        {
            Frames.Number(_pending, FrameKind.WindowUpdate, 0, _taken);
            _taken = 0;
        }
        if (stream is null)
            return;
        if (stream.HttpStatus == 0)
            Reset(stream, Http2Error.Protocol, new IOException("The answer has no headers."));
        else if (stream.Body.Length + data.Length > AnswerBytesMax)
            Reset(stream, Http2Error.Cancel, GrpcReply.TooLarge());
        else
        {
            stream.Body.Append(data);
            if ((flags & Frames.EndStream) != 0)
                TakeEnd(stream);
        }
    }

    private void TakeBlock(byte flags, ReadOnlySpan<byte> part)
    {
        Require(_block.Length + part.Length <= HeaderBytesMax, "The server sends too many headers.");
        var isWhole = (flags & Frames.EndHeaders) != 0;
        if (_block.Length > 0 || !isWhole)
            _block.Append(part);
        if (!isWhole)
            return;
        var block = _block.Length > 0 ? _block.Written : part;
        var stream = _streams.GetValueOrDefault(_blockOf);
        _blockOf = 0;
        try
        {
            stream?.Take(block, _blockEndsStream);
        }
        catch (InvalidDataException e)
        {
            if (stream is not null)
                Reset(stream, Http2Error.Protocol, new IOException(e.Message, e));
            stream = null;
        }
        _block.Truncate(0);
        if (stream is not null && _blockEndsStream)
            TakeEnd(stream);
    }

    private void TakeEnd(UnaryStream stream)
    {
        // The server has answered before it got the whole request: it does not want the rest.
        if (!stream.IsSent)
            Frames.Number(_pending, FrameKind.ResetStream, stream.Id, (int)Http2Error.NoError);
        var isBroken = stream.HttpStatus == 0;
        End(stream, isBroken ? new IOException("The answer ended before it began.") : null);
    }

    private void TakeReset(UnaryStream? stream, Http2Error error)
    {
        if (stream is null)
            return;
        var text = $"The server has broken the call off ({error}).";
        End(
            stream,
            error == Http2Error.RefusedStream ? new UnprocessedException(text) : new IOException(text)
        );
    }

    private void TakeGoAway(int id, ReadOnlySpan<byte> payload)
    {
        Require(id == 0, "GOAWAY names a stream.");
        Require(payload.Length >= 2 * sizeof(int), "GOAWAY has a wrong length.");
        var last = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        _isRetired = true;
        foreach (var stream in _streams.Values.Where(stream => stream.Id > last).ToArray())
            End(stream, new UnprocessedException("The server went away before it saw the call."));
    }

    private void TakeWindow(int id, int growth)
    {
        if (id == 0)
        {
            Require(growth > 0, "WINDOW_UPDATE adds nothing.");
            _window += growth;
            Require(_window <= int.MaxValue, "A window is too large.");
        }
        else if (StreamOf(id) is { } stream)
        {
            stream.Window += growth;
            if (growth == 0 || stream.Window > int.MaxValue)
                Reset(
                    stream,
                    Http2Error.FlowControl,
                    new IOException("WINDOW_UPDATE adds nothing, or too much.")
                );
        }
        SendMore();
    }

    private void TakeSettings(byte flags, ReadOnlySpan<byte> payload)
    {
        const int each = sizeof(ushort) + sizeof(int);
        Require(payload.Length % each == 0, "SETTINGS has a wrong length.");
        if ((flags & Frames.Ack) != 0)
            return;
        for (; !payload.IsEmpty; payload = payload[each..])
        {
            long value = BinaryPrimitives.ReadUInt32BigEndian(payload[sizeof(ushort)..]);
            switch ((Setting)BinaryPrimitives.ReadUInt16BigEndian(payload))
            {
                case Setting.MaxConcurrentStreams:
                    _streamsMax = value;
                    break;
                case Setting.InitialWindowSize:
                    Require(value <= int.MaxValue, "A window is too large.");
                    foreach (var stream in _streams.Values)
                        stream.Window += value - _windowOfStreams;
                    _windowOfStreams = value;
                    break;
            }
        }
        Acknowledge(FrameKind.Settings, []);
        SendMore();
    }

    private void Acknowledge(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        Require(++_acks <= AcksMax, "The server sends pings or settings without end and does not read.");
        Frames.Head(_pending, kind, Frames.Ack, 0, payload.Length);
        _pending.Append(payload);
    }

    private static int NumberIn(ReadOnlySpan<byte> payload)
    {
        Require(payload.Length == sizeof(int), "A frame has a wrong length.");
        return BinaryPrimitives.ReadInt32BigEndian(payload);
    }

    private static ReadOnlySpan<byte> Unpadded(ReadOnlySpan<byte> payload, byte flags)
    {
        if ((flags & Frames.Padded) == 0)
            return payload;
        Require(payload.Length > 0 && payload[0] < payload.Length, "A frame is shorter than its padding.");
        return payload[1..^payload[0]];
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new IOException(otherwise);
    }
}
