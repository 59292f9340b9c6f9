using System.Net;
using System.Net.Sockets;
using Souk.Gateway.Transcoding;
using Souk.Shared.Connections;

namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// One connection to a server, for unary calls: what such a call needs of HTTP/2 and nothing else. What
/// several calls send at the same time leaves in one write, all frames that one read brings are processed at
/// once, and a call's continuation runs once, when its answer is complete. This file sends;
/// Http2Connection.Reading.cs receives.
/// </summary>
internal sealed partial class Http2Connection : IThreadPoolWorkItem, IDisposable
{
    /// <summary>The first window of a stream and of a connection, before anything was agreed.</summary>
    private const int WindowFirst = 65_535;

    /// <summary>At most so much of the calls' messages waits to be written.</summary>
    private const int PendingBytesMax = 256 * 1024;

    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PingPatience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<int, UnaryStream> _streams = [];
    private readonly List<UnaryStream> _unsent = [];
    private readonly Socket _socket;
    private readonly TimeProvider _clock;
    private PooledBuffer _pending = new();
    private PooledBuffer _leaving = new();
    private long _window = WindowFirst;
    private long _windowOfStreams = WindowFirst;
    private long _streamsMax = 100;
    private int _nextId = 1;
    private int _givenUp;
    private bool _isRetired;
    private bool _isClosed;
    private bool _isWriting;
    private long _heardAt;
    private long _pingedAt;

    private Http2Connection(Socket socket, TimeProvider clock) =>
        (_socket, _clock, _heardAt) = (socket, clock, clock.GetTimestamp());

    /// <summary>Whether it takes no new calls; those that it has go on.</summary>
    public bool IsRetired
    {
        get
        {
            lock (_gate)
                return _isRetired;
        }
    }

    /// <summary>Whether it is over.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
                return _isClosed;
        }
    }

    /// <summary>Connects; an IOException where nobody answers.</summary>
    public static async Task<Http2Connection> OpenAsync(
        EndPoint server,
        TimeProvider clock,
        CancellationToken token
    )
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server, token);
        }
        catch (Exception e)
        {
            socket.Dispose();
            throw e is SocketException ? new IOException("The server cannot be reached.", e) : e;
        }
        var connection = new Http2Connection(socket, clock);
        connection.Greet();
        return connection;
    }

    /// <summary>Sends a call; false when there is no room for one more.</summary>
    public bool TryBegin(UnaryStream stream)
    {
        lock (_gate)
        {
            if (_isRetired || _streams.Count >= _streamsMax)
                return false;
            (stream.Connection, stream.Id, stream.Window) = (this, _nextId, _windowOfStreams);
            _nextId += 2;
            _isRetired = _nextId < 0;
            _streams.Add(stream.Id, stream);
            Frames.Headers(_pending, stream.Id, stream.Call.Headers.Written, 0);
            if (!Send(stream))
                _unsent.Add(stream);
            Write();
        }
        return true;
    }

    /// <summary>Ends a call that nobody waits for any more, if it has not ended.</summary>
    public void GiveUp(UnaryStream stream, Exception reason)
    {
        lock (_gate)
        {
            if (!_streams.ContainsKey(stream.Id))
                return;
            Reset(stream, Http2Error.Cancel, reason);
            // A connection is worn out by them as a lane is, and for the same reason.
            _isRetired |= ++_givenUp >= Lane.GivenUpMax;
            Write();
        }
        TellEnded();
    }

    /// <summary>
    /// To be called every few seconds: pings a server that has been silent for long, and closes the
    /// connection when it does not answer.
    /// </summary>
    public void Beat()
    {
        lock (_gate)
        {
            var now = _clock.GetTimestamp();
            if (_pingedAt > _heardAt)
            {
                if (_clock.GetElapsedTime(_pingedAt, now) < PingPatience)
                    return;
            }
            else if (_isClosed || _clock.GetElapsedTime(_heardAt, now) < SilenceMax)
            {
                return;
            }
            else
            {
                _pingedAt = now;
                Frames.Head(_pending, FrameKind.Ping, 0, 0, PingBytes);
                _pending.GetSpan(PingBytes)[..PingBytes].Clear();
                _pending.Advance(PingBytes);
                Write();
                return;
            }
        }
        Close(new IOException("The server has fallen silent."));
    }

    /// <summary>Closes at once, whatever is under way.</summary>
    public void Dispose() => Close(new IOException("The connection was closed."));

    /// <summary>
    /// Writes what is pending. It is queued to the pool, so that what other calls append until it runs leaves
    /// in the same write.
    /// </summary>
    void IThreadPoolWorkItem.Execute() => _ = WriteAsync();

    // All below: under the lock, where not said otherwise.

    private void Write()
    {
        if (_isWriting || _isClosed)
            return;
        _isWriting = true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    // Not under the lock.
    private async Task WriteAsync()
    {
        try
        {
            while (TakePending())
            {
                for (var rest = _leaving.WrittenMemory; rest.Length > 0; )
                    rest = rest[await _socket.SendAsync(rest, SocketFlags.None)..];
                _leaving.Truncate(0);
            }
        }
        catch (Exception e)
        {
            // Whatever went wrong, calls that were not sent must not wait for an answer for ever.
            Close(new IOException("The connection broke.", e));
        }
    }

    // Not under the lock.
    private bool TakePending()
    {
        lock (_gate)
        {
            SendMore();
            if (_pending.Length > 0 && !_isClosed)
            {
                (_pending, _leaving) = (_leaving, _pending);
                _acks = 0;
                return true;
            }
            _isWriting = false;
            if (_isClosed || !_isRetired || _streams.Count > 0)
                return false;
        }
        Dispose();
        return false;
    }

    /// <summary>Sends as much of a message as may be now; true when that was the end of it.</summary>
    private bool Send(UnaryStream stream)
    {
        var message = stream.Call.Message.Written;
        while (!stream.IsSent && _pending.Length < PendingBytesMax)
        {
            var rest = message[stream.Sent..];
            var allowed = Math.Min(Math.Min(_window, stream.Window), Frames.PayloadBytesMax);
            var part = rest[..(int)Math.Clamp(allowed, 0, rest.Length)];
            if (part.IsEmpty)
                return false;
            var flags = part.Length == rest.Length ? Frames.EndStream : (byte)0;
            Frames.Head(_pending, FrameKind.Data, flags, stream.Id, part.Length);
            _pending.Append(part);
            stream.Sent += part.Length;
            stream.Window -= part.Length;
            _window -= part.Length;
        }
        return stream.IsSent;
    }

    private void SendMore()
    {
        if (_unsent.Count > 0)
            _unsent.RemoveAll(Send);
    }

    private void Reset(UnaryStream stream, Http2Error error, Exception reason)
    {
        Frames.Number(_pending, FrameKind.ResetStream, stream.Id, (int)error);
        End(stream, reason);
    }

    private void End(UnaryStream stream, Exception? reason)
    {
        _streams.Remove(stream.Id);
        if (!stream.IsSent)
            _unsent.Remove(stream);
        stream.End(reason);
        _ended.Add(stream);
    }

    // Not under the lock.
    private void Close(IOException reason)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            (_isClosed, _isRetired) = (true, true);
            foreach (var stream in _streams.Values)
            {
                stream.End(reason);
                _ended.Add(stream);
            }
            _streams.Clear();
            _unsent.Clear();
        }
        _socket.Dispose();
        TellEnded();
    }
}
