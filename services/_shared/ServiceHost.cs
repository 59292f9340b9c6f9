using System.Net;
using System.Net.Sockets;
using Dapr;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.DistributedLock.Extensions;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using AlphaReflection = Grpc.Reflection.V1Alpha.ServerReflection;

namespace Souk.Shared;

/// <summary>
/// Runs a service: migrates its database, serves gRPC on loopback for the own sidecar, publishes its events.
/// Tests build the same host on a free port, with other settings or parts.
/// </summary>
public static partial class ServiceHost
{
    private const int MessageMax = 4 * 1024 * 1024;
    private const int MigrateAttemptsMax = 60;
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Runs the service until the process is asked to stop.</summary>
    /// <param name="appId">The app id when APP_ID does not say otherwise.</param>
    public static async Task RunAsync(string appId, Action<ServiceBuilder> configure)
    {
        await using var app = Build(ServiceSettings.FromEnvironment(appId), configure);
        await MigratePatientlyAsync(app);
        await app.RunAsync();
    }

    /// <summary>Builds the service's host without starting it.</summary>
    /// <param name="overrides">Replaces parts, such as the clock or the routes of the mesh.</param>
    public static WebApplication Build(
        ServiceSettings settings,
        Action<ServiceBuilder> configure,
        Action<IServiceCollection>? overrides = null
    )
    {
        // The slim builder would read and watch an appsettings.json of whatever directory it is started in.
        var host = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // The Dapr SDK reads these; one process may host several services, so the environment is not enough.
        host.Configuration[DaprDefaults.DaprGrpcEndpointName] = $"http://127.0.0.1:{settings.DaprGrpcPort}";
        host.Configuration[DaprDefaults.DaprHttpEndpointName] = $"http://127.0.0.1:{settings.DaprHttpPort}";
        host.Configuration[DaprDefaults.DaprApiTokenName] = settings.DaprApiToken;
        host.WebHost.UseKestrelCore();
        Listen(host.WebHost, settings);
        Log(host.Logging, settings);
        host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = DrainTimeout);
        var builder = new ServiceBuilder(host.Services, settings);
        AddShared(host.Services, settings);
        configure(builder);
        builder.Job<CleanupJob>();
        AddServer(builder);
        overrides?.Invoke(host.Services);
        var app = host.Build();
        foreach (var map in builder.Endpoints)
            map(app);
        return app;
    }

    /// <summary>Brings the host's database up to date.</summary>
    public static Task MigrateAsync(WebApplication app, CancellationToken token) =>
        app
            .Services.GetRequiredService<Migrator>()
            .RunAsync(app.Services.GetRequiredService<MigrationSet>().Migrations, token);

    // Whoever starts the mesh starts the database beside it, so at first there may be none to migrate.
    private static async Task MigratePatientlyAsync(WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(nameof(ServiceHost));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await MigrateAsync(app, CancellationToken.None);
                return;
            }
            catch (NpgsqlException e)
                when (attempt < MigrateAttemptsMax && (e.IsTransient || e.InnerException is SocketException))
            {
                LogWaiting(logger, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
            }
        }
    }

    private static void Listen(IWebHostBuilder host, ServiceSettings settings) =>
        host.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MessageMax;
            options.Limits.MaxConcurrentConnections = 1000;
            options.Limits.Http2.MaxStreamsPerConnection = 1000;
            options.Limits.Http2.InitialConnectionWindowSize = 1024 * 1024;
            options.Limits.Http2.InitialStreamWindowSize = 256 * 1024;
            options.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            options.Listen(
                IPAddress.Loopback,
                settings.AppPort,
                listen => listen.Protocols = HttpProtocols.Http2
            );
        });

    private static void Log(ILoggingBuilder logging, ServiceSettings settings)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(settings.LogLevel);
        // The frameworks' own line per request would repeat ours.
        logging.AddFilter(
            "Microsoft",
            settings.LogLevel < LogLevel.Information ? settings.LogLevel : LogLevel.Warning
        );
        logging.AddFilter("Grpc", LogLevel.Warning);
        logging.AddFilter("Npgsql", LogLevel.Warning);
        const string instant = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        if (settings.LogsJson)
        {
            logging.AddJsonConsole(options =>
                (options.UseUtcTimestamp, options.TimestampFormat) = (true, instant)
            );
            return;
        }
        logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = instant;
        });
    }

    private static void AddShared(IServiceCollection services, ServiceSettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => NpgsqlDataSource.Create(settings.ConnectionString()));
        services.AddSingleton<Db>();
        services.AddSingleton<Migrator>();
        services.AddSingleton<RequestIds>();
        services.AddSingleton<PageTokens>();
        services.AddSingleton<Outbox>();
        services.AddSingleton<OutboxPublisher>();
        services.AddSingleton<IEventBus, DaprEventBus>();
        services.AddSingleton<Sidecar>();
        services.AddSingleton<IMeshRoutes, SidecarRoutes>();
        services.AddSingleton<Mesh>();
        services.AddSingleton<ServiceTokens>();
        services.AddSingleton(provider => new Lazy<ServiceTokens>(
            provider.GetRequiredService<ServiceTokens>
        ));
        services.AddSingleton<MeshIdentity>();
        services.AddSingleton<ITokenKeySource>(provider => provider.GetRequiredService<MeshIdentity>());
        services.AddSingleton<IServiceTokenSource>(provider => provider.GetRequiredService<MeshIdentity>());
        services.AddSingleton<TokenVerifier>();
        services.AddSingleton<AccessCheck>();
        services.AddSingleton<CallInterceptor>();
        services.AddDaprClient();
        services.AddDaprDistributedLock();
        services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = MessageMax;
            options.MaxSendMessageSize = MessageMax;
            options.Interceptors.Add<CallInterceptor>();
        });
        if (settings.RunsJobs)
            services.AddHostedService(provider => provider.GetRequiredService<OutboxPublisher>());
    }

    private static void AddServer(ServiceBuilder builder)
    {
        builder.Services.AddSingleton(MapEvents);
        builder.Services.AddSingleton<EventService>();
        builder.Services.AddSingleton<HealthService>();
        builder.Endpoints.Add(app => app.MapGrpcService<EventService>());
        builder.Endpoints.Add(app => app.MapGrpcService<HealthService>());
        builder.Descriptors.Add(AppCallback.Descriptor);
        builder.Descriptors.Add(Health.Descriptor);
        builder.Endpoints.Add(app => app.MapGrpcService<ReflectionService>());
        builder.Endpoints.Add(app => app.MapGrpcService<AlphaReflectionService>());
        builder.Descriptors.Add(ServerReflection.Descriptor);
        builder.Descriptors.Add(AlphaReflection.Descriptor);
        var descriptors = builder.Descriptors;
        builder.Services.AddSingleton<ReflectionService>();
        builder.Services.AddSingleton<AlphaReflectionService>();
        builder.Services.AddSingleton(_ => ReflectionIndex.Of(descriptors));
        builder.Services.AddSingleton(new MethodPlans(descriptors));
        builder.Services.AddSingleton(new ServedNames(descriptors.Select(service => service.FullName)));
        builder.Services.AddSingleton(
            new MigrationSet([
                .. Migration.From(typeof(ServiceHost).Assembly, "shared"),
                .. builder.Migrations,
            ])
        );
    }

    private static EventMap MapEvents(IServiceProvider provider)
    {
        var map = new EventMap();
        foreach (var handlers in provider.GetServices<IEventHandlers>())
            handlers.Subscribe(map);
        return map;
    }

    [LoggerMessage(LogLevel.Warning, "PostgreSQL is not there yet: {Problem}")]
    private static partial void LogWaiting(ILogger logger, string problem);

    private sealed record MigrationSet(IReadOnlyList<Migration> Migrations);
}
