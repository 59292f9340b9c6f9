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
    private readonly SemaphoreSlim? _slots;
    private readonly CallCount _calls = new();
    private readonly SemaphoreSlim _lost = new(0, 1);
    private TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AppChannel(AppSpec app, HttpMessageHandler transport, string? appToken, TimeProvider clock)
    {
        _app = app;
        _clock = clock;
        AppToken = appToken;
        _slots = app.MaxConcurrency > 0 ? new SemaphoreSlim(app.MaxConcurrency) : null;
        if (app.AppPort == 0)
            return;
        Health = app.HealthCheck is { } check ? new AppHealth(check, this, clock) : null;
        if (HttpAppChannel.Speaks(app.Protocol))
        {
            Http = new HttpAppChannel(app, transport, appToken);
            return;
        }
        var options = new GrpcChannelOptions
        {
            HttpHandler = transport,
            DisposeHttpClient = false,
            // This class knows when the app is back; the channel must not wait long after that.
            InitialReconnectBackoff = ReconnectBackoff,
            MaxReconnectBackoff = ReconnectBackoff,
        };
        Grpc = GrpcChannel.ForAddress(app.Origin, options);
        Callbacks = new AppCallback.AppCallbackClient(Grpc);
    }

    /// <summary>Null when the app listens on nothing, or speaks gRPC.</summary>
    public HttpAppChannel? Http { get; }

    /// <summary>Null when the app listens on nothing, or speaks no gRPC.</summary>
    public GrpcChannel? Grpc { get; }

    /// <summary>Null when the app listens on nothing, or speaks no gRPC.</summary>
    public AppCallback.AppCallbackClient? Callbacks { get; }

    public string? AppToken { get; }

    /// <summary>Null when nobody asked for health checks.</summary>
    public AppHealth? Health { get; }

    /// <summary>Not known to be ill: always so without health checks.</summary>
    public bool IsHealthy => Health?.IsHealthy ?? true;

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

    /// <summary>Takes note of a call over HTTP that found nobody listening.</summary>
    public void Report(HttpRequestException failure)
    {
        if (failure.HttpRequestError == HttpRequestError.ConnectionError)
            ReportDown();
    }

    /// <summary>
    /// Waits for one of the app's <c>--app-max-concurrency</c> places; leaving gives it back.
    /// </summary>
    public async ValueTask<Place> EnterAsync(CancellationToken cancellation)
    {
        if (_slots is not null)
            await _slots.WaitAsync(cancellation);
        return new Place(_slots, _calls.Enter());
    }

    /// <summary>A call that needs no place, as long as it lasts.</summary>
    public Place Pass() => new(null, _calls.Enter());

    /// <summary>Waits until no call into the app is under way.</summary>
    public Task UntilIdleAsync() => _calls.UntilNoneAsync();

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
        if (_app.AppPort == 0)
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
        Grpc?.Dispose();
        Http?.Dispose();
        _slots?.Dispose();
        _lost.Dispose();
    }

    /// <summary>A place among the calls that the app takes at once.</summary>
    public readonly record struct Place(SemaphoreSlim? Slots, CallCount? Calls) : IDisposable
    {
        public void Dispose()
        {
            Slots?.Release();
            Calls?.Leave();
        }
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
