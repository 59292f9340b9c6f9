using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Souk.Shared.Connections;
using Souk.Sidecar.Api;
using Souk.Sidecar.Api.Http;
using Souk.Sidecar.Components;
using Souk.Sidecar.Files;
using Souk.Sidecar.Invoke;
using Souk.Sidecar.Proxy;
using Souk.Sidecar.Redis;
using Souk.Sidecar.Workflows;

namespace Souk.Sidecar;

/// <summary>
/// All sidecars of this process: one Kestrel on the ports of every app, one set of connections behind it.
/// </summary>
internal sealed partial class SidecarServer : IAsyncDisposable
{
    // Connections carry a whole app's calls; Kestrel's default of 100 streams would make callers queue.
    private const int StreamsPerConnectionMax = 1000;
    private const int WindowSize = 1024 * 1024;

    // How long a new connection may be silent: as long as Kestrel waits for a connection's next request.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(130);
    private static readonly TimeSpan FlushPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    private readonly List<ComponentSet> _sets = [];
    private readonly RedisClients _redis;
    private readonly AppTransport _transport = new();
    private readonly Dictionary<string, ListenOptions> _internalPorts = [];
    private WebApplication? _web;
    private WorkflowEngine? _workflows;
    private SidecarDrain? _drain;

    private SidecarServer(TimeProvider clock) => _redis = new RedisClients(clock);

    public AppDirectory Apps { get; private set; } = new([]);

    /// <summary>
    /// Opens the components, then the ports. Throws ConfigException when the files do not allow it.
    /// </summary>
    public static async Task<SidecarServer> StartAsync(
        IReadOnlyList<AppSpec> specs,
        SidecarSettings settings,
        CancellationToken cancellation
    )
    {
        var server = new SidecarServer(TimeProvider.System);
        try
        {
            await server.OpenAsync(specs, settings, cancellation);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes no more work for the apps, and returns when they have done what they had or time is
    /// up.</summary>
    public Task QuiesceAsync() => _drain?.QuiesceAsync() ?? Task.CompletedTask;

    /// <summary>After <see cref="QuiesceAsync"/>: ends calls, and closes the ports when all have
    /// ended.</summary>
    public async Task FinishAsync()
    {
        if (_drain is null || _web is null)
            return;
        await _drain.FinishAsync();
        if (!_drain.IsClean)
            return;
        // The last answers may still wait to be sent: the server closes connections without regard to that.
        await Task.Delay(FlushPause, TimeProvider.System);
        using var patience = new CancellationTokenSource(LastWords);
        await _web.StopAsync(patience.Token);
    }

    /// <summary>Cuts off what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        // Deliveries end first, so that nothing is taken from a broker that cannot be handed on.
        await Task.WhenAll(Apps.All.Select(app => app.DisposeAsync().AsTask()));
        if (_workflows is not null)
            await _workflows.StopAsync();
        if (_web is not null)
            await _web.DisposeAsync();
        foreach (var set in _sets)
            await set.DisposeAsync();
        await _redis.DisposeAsync();
        _transport.Dispose();
    }

    private async Task OpenAsync(
        IReadOnlyList<AppSpec> specs,
        SidecarSettings settings,
        CancellationToken cancellation
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        Logs.Configure(builder.Logging);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(_transport);
        builder.Services.AddSingleton(_ => new Peers(settings.PeerFolder, TimeProvider.System));
        builder.Services.AddSingleton<InvokeRoutes>();
        builder.Services.AddSingleton<InvokeService>();
        builder.Services.AddSingleton<GrpcProxy>();
        builder.Services.AddSingleton<SidecarGate>();
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(_ => Apps);
        builder.Services.AddSingleton(services => new ComponentServices(
            _redis,
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILoggerFactory>()
        )
        {
            Namespace = settings.Namespace,
        });
        builder.Services.AddRouting();
        builder.Services.AddCors();
        MessageLimit.AddGrpc(builder.Services, specs.Max(spec => spec.MaxBodyBytes));
        builder.Services.AddSingleton<TaskHubService>();
        builder.Services.AddSingleton(_ =>
            _workflows ?? throw new InvalidOperationException("no app has an actor state store")
        );
        builder.Services.AddSingleton(services => new DaprService(
            TimeProvider.System,
            _workflows is null ? null : new WorkflowManagement(_workflows, TimeProvider.System),
            services.GetRequiredService<InvokeService>()
        ));
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton<IConnectionListenerFactory, PriorKnowledgeListeners>();
        var placed = specs.Select(WithPorts).ToArray();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, placed, settings));

        _web = builder.Build();
        var services = _web.Services.GetRequiredService<ComponentServices>();
        Apps = new AppDirectory(await OpenAppsAsync(placed, settings, services, cancellation));

        UseGate(_web, settings);
        _web.UseRouting();
        _web.MapGrpcService<DaprService>();
        _workflows = OpenWorkflows(services);
        if (_workflows is not null)
        {
            _web.MapGrpcService<TaskHubService>();
            var workflows = new WorkflowManagement(_workflows, TimeProvider.System);
            new WorkflowHttp(workflows).Map(new ApiRoutes(_web));
            foreach (var app in Apps.All)
            {
                app.ConnectedWorkers = () => workflows.ConnectedWorkers(app.AppId);
                app.Metrics.Workers = app.ConnectedWorkers;
                app.Metrics.Workflows = () => BacklogOf(app.AppId);
            }
        }
        var logger = services.Logs.CreateLogger<SidecarDrain>();
        _drain = new SidecarDrain(Apps, _workflows, settings, services.Clock, logger);
        HttpApi.Map(new ApiRoutes(_web), _web.Services.GetRequiredService<InvokeRoutes>());
        await StartAsync(_web, placed, cancellation);
        var peers = _web.Services.GetRequiredService<Peers>();
        foreach (var app in Apps.All)
        {
            app.Start();
            if (_internalPorts.TryGetValue(app.AppId, out var port))
                peers.Announce(app.AppId, port.IPEndPoint?.Port ?? 0);
        }
    }

    private static void UseGate(WebApplication web, SidecarSettings settings)
    {
        var gate = web.Services.GetRequiredService<SidecarGate>();
        web.Use(next => context => gate.HandleAsync(context, next));
        if (settings.AllowedOrigins.Count > 0)
            web.UseCors(cors =>
                cors.WithOrigins([.. settings.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod()
            );
    }

    private (int Active, int Waiting)? BacklogOf(string appId)
    {
        var known = _workflows?.Backlog().FirstOrDefault(item => item.AppId == appId);
        return known is { } backlog ? (backlog.Active, backlog.Waiting) : null;
    }

    private async Task<List<SidecarApp>> OpenAppsAsync(
        IReadOnlyList<AppSpec> specs,
        SidecarSettings settings,
        ComponentServices services,
        CancellationToken cancellation
    )
    {
        var apps = new List<SidecarApp>(specs.Count);
        foreach (var group in specs.GroupBy(spec => string.Join('\n', spec.ResourcesPaths)))
        {
            var ids = group.Select(spec => spec.AppId).ToArray();
            var set = await ComponentSet.OpenAsync(group.First().ResourcesPaths, ids, services, cancellation);
            _sets.Add(set);
            apps.AddRange(group.Select(spec => new SidecarApp(spec, set, _transport, settings, services)));
        }
        return apps;
    }

    private void Configure(KestrelServerOptions kestrel, AppSpec[] specs, SidecarSettings settings)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnectionMax;
        kestrel.Limits.Http2.InitialConnectionWindowSize = WindowSize;
        kestrel.Limits.Http2.InitialStreamWindowSize = WindowSize;
        // A caller that vanished without a word must not keep the events and work items that it has.
        kestrel.Limits.Http2.KeepAlivePingDelay = settings.SilenceMax;
        kestrel.Limits.Http2.KeepAlivePingTimeout = settings.SilenceMax;
        // Streams may idle and be of any length; gRPC bounds each message instead.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        // The gate holds each app to its own limit, in Dapr's words; this is what the server itself bears.
        var headers = Math.Max(
            kestrel.Limits.MaxRequestHeadersTotalSize,
            2 * specs.Max(spec => spec.MaxHeaderBytes)
        );
        kestrel.Limits.MaxRequestHeadersTotalSize = headers;
        kestrel.Limits.Http2.MaxRequestHeaderFieldSize = headers;
        foreach (var spec in settings.PeerFolder is null ? [] : specs)
            kestrel.Listen(
                IPAddress.Loopback,
                spec.InternalPort,
                listen => ServeSidecars(listen, spec.AppId)
            );
        var http2 = specs.ToDictionary(
            spec => spec.AppId,
            spec => new PriorKnowledge($"h2c of {spec.AppId}", SilenceMax)
        );
        foreach (var (appId, endpoint) in http2)
            kestrel.Listen(endpoint, listen => Serve(listen, appId, HttpProtocols.Http2));
        foreach (var address in settings.ListenAddresses.Select(Address))
        {
            foreach (var spec in specs)
            {
                kestrel.Listen(
                    address,
                    spec.GrpcPort,
                    listen => Serve(listen, spec.AppId, HttpProtocols.Http2)
                );
                kestrel.Listen(
                    address,
                    spec.HttpPort,
                    listen => ServeHttp(listen, spec.AppId, http2[spec.AppId])
                );
                if (spec.MetricsPort > 0)
                    kestrel.Listen(
                        address,
                        spec.MetricsPort,
                        listen => Serve(listen, spec.AppId, HttpProtocols.Http1, MetricsOnly.Mark)
                    );
            }
        }
    }

    private static IPAddress Address(string text) =>
        IPAddress.TryParse(text.Trim('[', ']', ' '), out var address)
            ? address
            : throw new ConfigException($"--dapr-listen-addresses must be IP addresses, not '{text}'");

    // Features of a connection are seen by each of its requests: the app of a port is looked up once.
    private void Serve(
        ListenOptions listen,
        string appId,
        HttpProtocols protocols,
        MetricsOnly? metrics = null
    )
    {
        listen.Protocols = protocols;
        listen.Use(next =>
            connection =>
            {
                connection.Features.Set(Apps.Find(appId));
                connection.Features.Set(metrics);
                return next(connection);
            }
        );
    }

    private void ServeHttp(ListenOptions listen, string appId, PriorKnowledge http2)
    {
        Serve(listen, appId, HttpProtocols.Http1);
        listen.Use(next =>
            connection =>
            {
                connection.Features.Set(HttpPortMark.Mark);
                return http2.SortAsync(connection, next);
            }
        );
    }

    // Other processes' sidecars come here; what they ask for is checked as if it came to another machine.
    private void ServeSidecars(ListenOptions listen, string appId)
    {
        listen.Use(next =>
            connection =>
            {
                connection.Features.Set(new InternalLine());
                return next(connection);
            }
        );
        Serve(listen, appId, HttpProtocols.Http2);
        // The system picks the port; the options know it once the server has started.
        _internalPorts[appId] = listen;
    }

    // One engine, and one log, for all apps: a process has one actor state store, as a Dapr app has.
    private WorkflowEngine? OpenWorkflows(ComponentServices services)
    {
        var store = Apps
            .All.Select(app => app.Components.ActorStore)
            .FirstOrDefault(actor => actor is not null);
        if (store is null)
            return null;
        var logger = services.Logs.CreateLogger<WorkflowEngine>();
        if (WorkflowDatabase.AddressFor(store, services.Environment) is { } address)
            return new WorkflowEngine(address, services.Clock, logger);
        LogNoWorkflows(services.Logs.CreateLogger<SidecarServer>(), store.Name, store.Spec.Type);
        return null;
    }

    [LoggerMessage(
        LogLevel.Warning,
        "No workflows: {Store} is a {Type} and keeps none; SOUK_WORKFLOWSTORE names a PostgreSQL database"
    )]
    private static partial void LogNoWorkflows(ILogger logger, string store, string type);

    private static async Task StartAsync(WebApplication web, AppSpec[] specs, CancellationToken cancellation)
    {
        try
        {
            await web.StartAsync(cancellation);
        }
        catch (IOException e)
        {
            throw PortProblem.Of(specs) ?? new ConfigException(e.Message, e);
        }
    }

    private static AppSpec WithPorts(AppSpec spec) =>
        spec with
        {
            GrpcPort = spec.GrpcPort == 0 ? FreePort() : spec.GrpcPort,
            HttpPort = spec.HttpPort == 0 ? FreePort() : spec.HttpPort,
        };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
