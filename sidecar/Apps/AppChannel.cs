using System.Net.Sockets;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Grpc.Core;
using Grpc.Net.Client;
using Souk.Sidecar.Files;

namespace Souk.Sidecar;

/// <summary>
/// The sidecar's line to its app: calls into it, and the knowledge whether anything listens on its port. Apps
/// come and go on their own; nothing here starts or stops them.
/// </summary>
internal sealed class AppChannel : IDisposable
{
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ReconnectBackoff = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);

    private readonly AppSpec _app;
    private readonly TimeProvider _clock;
    private readonly GrpcChannel? _channel;
    private readonly SemaphoreSlim _lost = new(0, 1);
    private TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AppChannel(AppSpec app, HttpMessageHandler transport, string? appToken, TimeProvider clock)
    {
        _app = app;
        _clock = clock;
        AppToken = appToken;
        if (app.AppPort == 0)
            return;
        var options = new GrpcChannelOptions
        {
            HttpHandler = transport,
            DisposeHttpClient = false,
            // This class knows when the app is back; the channel must not wait long after that.
            InitialReconnectBackoff = ReconnectBackoff,
            MaxReconnectBackoff = ReconnectBackoff,
        };
        _channel = GrpcChannel.ForAddress($"http://{app.AppAddress}:{app.AppPort}", options);
        // An HTTP app has its callbacks under other names; this runtime does not deliver to those yet.
        if (app.Protocol is "grpc" or "grpcs")
            Callbacks = new AppCallback.AppCallbackClient(_channel);
    }

    /// <summary>Null when the app listens on nothing, or speaks no gRPC.</summary>
    public AppCallback.AppCallbackClient? Callbacks { get; }

    public string? AppToken { get; }

    public bool IsUp => _up.Task.IsCompletedSuccessfully;

    /// <summary>A call found nobody listening.</summary>
    public void ReportDown()
    {
        var up = _up;
        if (!up.Task.IsCompleted)
            return;
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _up, next, up) == up)
            _lost.Release();
    }

    /// <summary>
    /// Takes note when the failure means that nobody listens. An app that answers UNAVAILABLE itself is
    /// there.
    /// </summary>
    public void Report(RpcException failure)
    {
        for (var cause = failure.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
                ReportDown();
        }
    }

    /// <summary>Waits until the app listens.</summary>
    public Task UntilUpAsync(CancellationToken cancellation) => _up.Task.WaitAsync(cancellation);

    /// <summary>Waits for the given time, less when the app is down and comes up before.</summary>
    public async Task DelayAsync(TimeSpan delay, CancellationToken cancellation)
    {
        var up = _up.Task;
        if (up.IsCompleted)
        {
            await Task.Delay(delay, _clock, cancellation);
            return;
        }
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(up, Task.Delay(delay, _clock, timer.Token));
        await timer.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>
    /// Watches the port for ever: probes while nobody listens, calls <paramref name="onUp"/> each time that
    /// somebody does, then rests until a call fails.
    /// </summary>
    public async Task WatchAsync(Func<CancellationToken, Task> onUp, CancellationToken cancellation)
    {
        if (_channel is null)
            return;
        while (true)
        {
            while (!await ProbeAsync(cancellation))
                await Task.Delay(ProbeInterval, _clock, cancellation);
            _up.TrySetResult();
            await onUp(cancellation);
            await _lost.WaitAsync(cancellation);
        }
    }

    public Metadata Headers()
    {
        var headers = new Metadata();
        if (AppToken is not null)
            headers.Add("dapr-api-token", AppToken);
        return headers;
    }

    public void Dispose()
    {
        _channel?.Dispose();
        _lost.Dispose();
    }

    private async Task<bool> ProbeAsync(CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(ProbeTimeout);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(_app.AppAddress, _app.AppPort, timeout.Token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
