using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Redis;

/// <summary>
/// One pipelined connection. Commands of any number of callers are appended to a buffer in call order and go
/// out together while the previous write is under way; replies come back in the same order. A broken
/// connection fails what is pending and stays broken: <see cref="RedisClient"/> opens the next one.
/// </summary>
internal sealed class RedisConnection : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly TimeSpan _readTimeout;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly Queue<Pending> _pending = new();
    private ArrayBufferWriter<byte> _filling = new(4096);
    private ArrayBufferWriter<byte> _sending = new(4096);
    private bool _writing;
    private Exception? _broken;
    private ITimer? _watchdog;
    private Task _reading = Task.CompletedTask;

    private RedisConnection(Socket socket, Stream stream, TimeSpan readTimeout, TimeProvider clock)
    {
        _socket = socket;
        _stream = stream;
        _readTimeout = readTimeout;
        _clock = clock;
    }

    public bool IsOpen => _broken is null;

    /// <summary>Connects and greets. <paramref name="readTimeout"/> bounds each reply.</summary>
    public static async Task<RedisConnection> OpenAsync(
        RedisOptions options,
        TimeSpan readTimeout,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.DialTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(options.Host, options.Port, timeout.Token);
            var stream = await SecureAsync(options, socket, timeout.Token);
            var connection = new RedisConnection(socket, stream, readTimeout, clock);
            connection.Start();
            await connection.GreetAsync(options).WaitAsync(timeout.Token);
            return connection;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            // The reader of a half-made connection ends with its socket.
            socket.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw new RedisConnectionException($"no Redis at {options.Host}:{options.Port}: {e.Message}", e);
        }
    }

    public async Task<RespValue> SendAsync(RedisArg[] command)
    {
        var replies = await Enqueue([command]);
        return replies[0];
    }

    /// <summary>Sends commands back to back, with nobody else's in between: what MULTI needs.</summary>
    public Task<RespValue[]> SendAsync(RedisArg[][] commands) => Enqueue(commands);

    public async ValueTask DisposeAsync()
    {
        Break(new ObjectDisposedException(nameof(RedisConnection)));
        await _reading;
        await _stream.DisposeAsync();
    }

    // A server that still loads its data accepts connections and answers PING with an error.
    private static bool IsRefusal(Exception e) =>
        e
            is SocketException
                or IOException
                or AuthenticationException
                or OperationCanceledException
                or RedisServerException
                or RedisConnectionException;

    private static async Task<Stream> SecureAsync(
        RedisOptions options,
        Socket socket,
        CancellationToken cancellation
    )
    {
        var plain = new NetworkStream(socket, ownsSocket: true);
        if (!options.UseTls)
            return plain;
        var secure = new SslStream(plain);
        var settings = new SslClientAuthenticationOptions
        {
            TargetHost = options.Host,
            RemoteCertificateValidationCallback = (_, _, _, problems) =>
                problems == SslPolicyErrors.None || options.SkipsVerification,
        };
        if (options is { ClientCertificate: { } certificate, ClientKey: { } key })
            settings.ClientCertificates = [Pem.Certificate(certificate, key)];
        await secure.AuthenticateAsClientAsync(settings, cancellation);
        return secure;
    }

    private async Task GreetAsync(RedisOptions options)
    {
        if (!string.IsNullOrEmpty(options.Password))
        {
            RedisArg[] auth = string.IsNullOrEmpty(options.Username)
                ? ["AUTH", options.Password]
                : ["AUTH", options.Username, options.Password];
            (await SendAsync(auth)).OrThrow();
        }
        if (options.Database != 0)
            (await SendAsync(["SELECT", options.Database])).OrThrow();
        (await SendAsync(["PING"])).OrThrow();
    }

    private void Start()
    {
        _reading = Task.Run(ReadAsync);
        _watchdog = _clock.CreateTimer(
            _ => BreakWhenSilent(),
            null,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(1)
        );
    }

    private Task<RespValue[]> Enqueue(RedisArg[][] commands)
    {
        var pending = new Pending(commands.Length, _clock.GetTimestamp());
        var write = false;
        lock (_gate)
        {
            if (_broken is not null)
                return Task.FromException<RespValue[]>(Lost(_broken));
            if (_pending.Count >= RedisOptions.PendingMax)
                throw new RedisConnectionException(
                    $"{RedisOptions.PendingMax} commands wait for Redis already"
                );
            foreach (var command in commands)
                RedisArg.WriteCommand(_filling, command);
            _pending.Enqueue(pending);
            if (!_writing)
                write = _writing = true;
        }
        if (write)
            _ = WriteAsync();
        return pending.Replies.Task;
    }

    // Runs while there is something to send, and never throws: a failure breaks the connection.
    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                lock (_gate)
                {
                    if (_filling.WrittenCount == 0)
                    {
                        _writing = false;
                        return;
                    }
                    (_filling, _sending) = (_sending, _filling);
                }
                await _stream.WriteAsync(_sending.WrittenMemory);
                _sending.ResetWrittenCount();
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            Break(e);
        }
    }

    private async Task ReadAsync()
    {
        var reader = PipeReader.Create(
            _stream,
            new StreamPipeReaderOptions(bufferSize: 16_384, leaveOpen: true)
        );
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync();
                var buffer = result.Buffer;
                while (RespParser.TryRead(ref buffer, out var value))
                    Answer(value);
                reader.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted)
                    throw new IOException("Redis closed the connection");
            }
        }
        catch (Exception e)
            when (e is IOException or SocketException or ObjectDisposedException or InvalidDataException)
        {
            Break(e);
        }
        await reader.CompleteAsync();
    }

    private void Answer(RespValue value)
    {
        Pending pending;
        lock (_gate)
        {
            if (!_pending.TryPeek(out var first))
                throw new InvalidDataException("Redis answered what nobody asked");
            pending = first;
            if (pending.Add(value))
                _pending.Dequeue();
            else
                return;
        }
        pending.Complete();
    }

    // A server that accepts commands but answers none looks alive to TCP for minutes.
    private void BreakWhenSilent()
    {
        lock (_gate)
        {
            if (!_pending.TryPeek(out var oldest) || _clock.GetElapsedTime(oldest.Since) < _readTimeout)
                return;
        }
        Break(new TimeoutException($"Redis did not answer within {_readTimeout.TotalSeconds:0} s"));
    }

    private void Break(Exception cause)
    {
        Pending[] lost;
        lock (_gate)
        {
            if (_broken is not null)
                return;
            _broken = cause;
            lost = [.. _pending];
            _pending.Clear();
        }
        _watchdog?.Dispose();
        _socket.Dispose();
        foreach (var pending in lost)
            pending.Replies.TrySetException(Lost(cause));
    }

    private static RedisConnectionException Lost(Exception cause) =>
        new($"connection to Redis lost: {cause.Message}", cause);

    private sealed class Pending(int count, long since)
    {
        private readonly RespValue[] _values = new RespValue[count];
        private int _received;

        public long Since => since;

        public TaskCompletionSource<RespValue[]> Replies { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Add(RespValue value)
        {
            _values[_received++] = value;
            return _received == _values.Length;
        }

        public void Complete() => Replies.TrySetResult(_values);
    }
}
