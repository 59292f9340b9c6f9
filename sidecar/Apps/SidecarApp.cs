using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Bindings;
using Souk.Sidecar.Components;
using Souk.Sidecar.Files;
using Souk.Sidecar.Metrics;
using Souk.Sidecar.PubSub;
using Souk.Sidecar.State;

namespace Souk.Sidecar;

/// <summary>One app's sidecar: what it may use, what it listens to, and the line to the app itself.</summary>
internal sealed partial class SidecarApp : IAsyncDisposable
{
    private readonly ILogger<SidecarApp> _logger;
    private readonly InputBindings _inputs;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _intake = new(1);
    private readonly TaskCompletionSource _ill = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, Outbox> _outboxes = new(StringComparer.Ordinal);
    private Task _watching = Task.CompletedTask;
    private volatile bool _listed;
    private volatile bool _isDraining;

    public SidecarApp(
        AppSpec spec,
        ComponentSet components,
        HttpMessageHandler transport,
        SidecarSettings settings,
        ComponentServices services
    )
    {
        Spec = spec;
        Namespace = settings.Namespace;
        Configuration = AppConfiguration.Load(spec.ConfigFiles);
        Metrics = new AppMetrics(spec.AppId, settings.Namespace);
        Components = new AppComponents(spec.AppId, settings.Namespace, components, Metrics, services.Clock);
        Channel = new AppChannel(spec, transport, settings.AppToken, services.Clock);
        Subscriptions = new AppSubscriptions(
            this,
            components.Files.Subscriptions,
            services.Clock,
            services.Logs.CreateLogger<AppSubscriptions>()
        );
        _inputs = new InputBindings(this, services.Clock, services.Logs.CreateLogger<InputBindings>());
        _logger = services.Logs.CreateLogger<SidecarApp>();
        foreach (var state in Components.States)
        {
            if (state.Outbox is { } outbox)
                _outboxes[state.Name] = new Outbox(
                    this,
                    state,
                    outbox,
                    services.Clock,
                    services.Logs.CreateLogger<Outbox>()
                );
        }
    }

    public AppSpec Spec { get; }

    public string AppId => Spec.AppId;

    /// <summary>Empty when there is none, as on one machine.</summary>
    public string Namespace { get; }

    public string QualifiedId => Namespace.Length == 0 ? AppId : $"{Namespace}.{AppId}";

    public AppMetrics Metrics { get; }

    public AppConfiguration Configuration { get; }

    public AppComponents Components { get; }

    public AppChannel Channel { get; }

    public AppSubscriptions Subscriptions { get; }

    /// <summary>What SetMetadata added.</summary>
    public ConcurrentDictionary<string, string> ExtendedMetadata { get; } = new(StringComparer.Ordinal);

    /// <summary>The app has been up, its subscriptions are live, and the sidecar is here to stay.</summary>
    public bool IsReady => !_isDraining && (_listed || Spec.AppPort == 0);

    public Admission Admission { get; } = new();

    /// <summary>How many workflow workers the app has connected; null without workflows.</summary>
    public Func<int?> ConnectedWorkers { get; set; } = () => null;

    /// <summary>Asked for by the app: its sidecar is to stop.</summary>
    public Action RequestShutdown { get; set; } = () => { };

    /// <summary>The outbox of a store; null when its transactions publish nothing.</summary>
    public Outbox? OutboxOf(StateComponent state) => _outboxes.GetValueOrDefault(state.Name);

    public void Start()
    {
        foreach (var outbox in _outboxes.Values)
            outbox.Start();
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Brings the app no more events and bindings, and returns when it has answered those it
    /// has.</summary>
    public async Task DrainAsync()
    {
        _isDraining = true;
        if (!Channel.IsHealthy)
            _ill.TrySetResult();
        // Never given back: an app that comes up now, or falls ill, changes nothing any more.
        await _intake.WaitAsync();
        await Task.WhenAll(_inputs.DrainAsync(), Subscriptions.DrainAsync());
    }

    /// <summary>Waits until the app of a sidecar that drains says that it is ill; for ever without health
    /// checks.</summary>
    public Task UntilIllAsync() => _ill.Task;

    /// <summary>Publishes what committed transactions have announced.</summary>
    public Task DrainOutboxesAsync() => Task.WhenAll(_outboxes.Values.Select(outbox => outbox.DrainAsync()));

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        await _inputs.DisposeAsync();
        await Subscriptions.DisposeAsync();
        foreach (var outbox in _outboxes.Values)
            await outbox.DisposeAsync();
        Channel.Dispose();
        _stopping.Dispose();
        _intake.Dispose();
    }

    private async Task WatchAsync()
    {
        try
        {
            if (Channel.Health is not { } health)
            {
                await Channel.WatchAsync(OnUpAsync, _stopping.Token);
                return;
            }
            // With health checks the port says whom to call, and only the checks say when.
            await Task.WhenAll(
                Channel.WatchAsync(_ => Task.CompletedTask, _stopping.Token),
                health.WatchAsync(OnUpAsync, OnUnhealthyAsync, _stopping.Token)
            );
        }
        catch (Exception) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            LogBlind(_logger, e, AppId);
        }
    }

    private Task OnUpAsync(CancellationToken cancellation) =>
        UnlessDrainingAsync(
            async () =>
            {
                if (Channel.Http is { } http && !_listed)
                    await AskForActorsAsync(http, cancellation);
                await Subscriptions.RefreshAsync(cancellation);
                await _inputs.RefreshAsync(cancellation);
                _listed = true;
            },
            cancellation
        );

    // Dapr reads an HTTP app's settings once. They are all about actors, and an app that hosts some would
    // wait for calls that never come.
    private async Task AskForActorsAsync(HttpAppChannel http, CancellationToken cancellation)
    {
        var actors = await HostedActors.AskAsync(http, cancellation);
        if (actors.Count > 0)
            LogActors(_logger, AppId, string.Join(", ", actors));
    }

    // Nothing is brought to an app that says it is ill; what is published meanwhile waits at the broker.
    private Task OnUnhealthyAsync(CancellationToken cancellation)
    {
        LogUnhealthy(_logger, AppId);
        if (_isDraining)
            _ill.TrySetResult();
        return UnlessDrainingAsync(
            async () =>
            {
                await Subscriptions.StopAsync();
                await _inputs.StopAsync();
            },
            cancellation
        );
    }

    private async Task UnlessDrainingAsync(Func<Task> change, CancellationToken cancellation)
    {
        if (_isDraining)
            return;
        await _intake.WaitAsync(cancellation);
        try
        {
            await change();
        }
        finally
        {
            _intake.Release();
        }
    }

    [LoggerMessage(LogLevel.Warning, "{App} is unhealthy: it is called no more until it is well again")]
    private static partial void LogUnhealthy(ILogger logger, string app);

    [LoggerMessage(LogLevel.Warning, "{App} hosts actors ({Actors}), which this runtime does not call")]
    private static partial void LogActors(ILogger logger, string app, string actors);

    [LoggerMessage(LogLevel.Critical, "The sidecar of {App} no longer watches its app")]
    private static partial void LogBlind(ILogger logger, Exception exception, string app);
}
