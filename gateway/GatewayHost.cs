using Microsoft.Extensions.Logging.Console;
using Souk.Gateway.Caching;
using Souk.Gateway.Calls;
using Souk.Gateway.Docs;
using Souk.Gateway.Grpc;
using Souk.Gateway.Http;
using Souk.Gateway.Listening;
using Souk.Gateway.Load;
using Souk.Gateway.Operators;
using Souk.Gateway.Routing;
using Souk.Gateway.Security;
using Souk.Gateway.Streams;
using Souk.Shared;

namespace Souk.Gateway;

/// <summary>The one public entry of the mesh: REST in, gRPC out.</summary>
internal static class GatewayHost
{
    private const int LogLinesMax = 10_000;
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(15);

    public static async Task Main()
    {
        var contracts = Contracts.Of(typeof(Souk.Type.Money).Assembly);
        var level = ServiceSettings.FromEnvironment("gateway").LogLevel;
        await using var app = Build(GatewaySettings.FromEnvironment(), contracts, level);
        await app.RunAsync();
    }

    /// <summary>Builds the host without starting it.</summary>
    /// <param name="overrides">Replaces parts, such as the clock or the source of token keys.</param>
    public static WebApplication Build(
        GatewaySettings settings,
        Contracts contracts,
        LogLevel level,
        Action<IServiceCollection>? overrides = null
    )
    {
        // The slim builder would read and watch an appsettings.json of whatever directory it is started in.
        var host = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        Listener.Add(host, settings);
        OperatorDoor.Add(host, settings);
        Log(host.Logging, level, settings.LogsJson);
        host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = DrainTimeout);
        host.Services.AddSingleton(settings);
        host.Services.AddSingleton(contracts);
        host.Services.AddSingleton(TimeProvider.System);
        host.Services.AddSingleton<Backend>();
        host.Services.AddSingleton<LoadGate>();
        host.Services.AddSingleton<ServiceCaller>();
        host.Services.AddSingleton<OutputCache>();
        host.Services.AddSingleton<UnaryCalls>();
        host.Services.AddHostedService<ChangeFeed>();
        host.Services.AddSingleton<CookieTokens>();
        host.Services.AddSingleton<Drain>();
        host.Services.AddHostedService(services => services.GetRequiredService<Drain>());
        host.Services.AddSingleton<ITokenKeySource, MeshKeys>();
        host.Services.AddSingleton<TokenVerifier>();
        host.Services.AddSingleton<AccessGate>();
        host.Services.AddSingleton<Cors>();
        host.Services.AddSingleton<Readiness>();
        host.Services.AddSingleton<RateGate>();
        host.Services.AddSingleton<RequestGuard>();
        AddStreams(host.Services);
        host.Services.AddSingleton<RestEndpoint>();
        host.Services.AddSingleton<GrpcEndpoint>();
        host.Services.AddSingleton<ReferencePages>();
        host.Services.AddSingleton<OwnPaths>();
        host.Services.AddSingleton<FrontDoor>();
        AddOwnServices(host.Services, contracts);
        overrides?.Invoke(host.Services);
        var app = host.Build();
        app.Services.GetRequiredService<OwnServices>().Map(app);
        if (app.Services.GetService<OperatorDoor>() is { } door)
            app.Use(door.RunAsync);
        app.Use(app.Services.GetRequiredService<Drain>().RunAsync);
        app.Run(app.Services.GetRequiredService<FrontDoor>().HandleAsync);
        return app;
    }

    private static void AddStreams(IServiceCollection services)
    {
        services.AddSingleton<OpenStreams>();
        services.AddSingleton<StreamPump>();
        services.AddSingleton<StreamEndpoint>();
        services.AddSingleton<SocketAdmission>();
        services.AddSingleton<SocketBridge>();
        services.AddSingleton<SocketDoor>();
    }

    private static void AddOwnServices(IServiceCollection services, Contracts contracts)
    {
        services.AddGrpc();
        services.AddSingleton<GrpcDoor>();
        services.AddSingleton<OwnServices>();
        services.AddSingleton<GatewayHealth>();
        services.AddSingleton(PublicContracts.Of(contracts));
        services.AddSingleton<ReflectionService>();
        services.AddSingleton<AlphaReflectionService>();
    }

    private static void Log(ILoggingBuilder logging, LogLevel level, bool isJson)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(level);
        // A message that cannot be read is its sender's fault, who could fill the log with it.
        logging.AddFilter("Grpc", LogLevel.Critical);
        // Where this category is heard, ASP.NET makes a span for each request beside ours.
        logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        logging.AddFilter("Microsoft", level < LogLevel.Information ? level : LogLevel.Warning);
        const string instant = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        // A reader of the console that is slow or stuck must not hold up requests: when the queue is full
        // lines are dropped, and their number is logged.
        logging.Services.Configure<ConsoleLoggerOptions>(options =>
            (options.QueueFullMode, options.MaxQueueLength) = (
                ConsoleLoggerQueueFullMode.DropWrite,
                LogLinesMax
            )
        );
        if (isJson)
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
}
