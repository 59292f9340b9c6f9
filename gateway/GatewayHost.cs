using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Souk.Gateway.Calls;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Security;
using Souk.Shared;

namespace Souk.Gateway;

/// <summary>The one public entry of the mesh: REST in, gRPC out.</summary>
internal static class GatewayHost
{
    private const int ConnectionsMax = 10_000;
    private const long DrainedBodies = 16;
    private const int HeaderBytesMax = 32 * 1024;
    private static readonly TimeSpan s_drainTimeout = TimeSpan.FromSeconds(15);

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
        var host = WebApplication.CreateSlimBuilder();
        host.WebHost.ConfigureKestrel(options => Listen(options, settings));
        Log(host.Logging, level);
        host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = s_drainTimeout);
        host.Services.AddSingleton(settings);
        host.Services.AddSingleton(contracts);
        host.Services.AddSingleton(TimeProvider.System);
        host.Services.AddSingleton<Backend>();
        host.Services.AddSingleton<ServiceCaller>();
        host.Services.AddSingleton<ITokenKeySource, MeshKeys>();
        host.Services.AddSingleton<TokenVerifier>();
        host.Services.AddSingleton<AccessGate>();
        host.Services.AddSingleton<Cors>();
        host.Services.AddSingleton<Readiness>();
        host.Services.AddSingleton<RateGate>();
        host.Services.AddSingleton<RequestGuard>();
        host.Services.AddSingleton<RestEndpoint>();
        host.Services.AddSingleton<FrontDoor>();
        overrides?.Invoke(host.Services);
        var app = host.Build();
        app.Run(app.Services.GetRequiredService<FrontDoor>().HandleAsync);
        return app;
    }

    private static void Listen(KestrelServerOptions options, GatewaySettings settings)
    {
        options.AddServerHeader = false;
        // Our own limit answers with a problem; Kestrel then reads on for a while, so that the caller gets to
        // see it.
        options.Limits.MaxRequestBodySize = settings.BodyBytesMax * DrainedBodies;
        options.Limits.MaxConcurrentConnections = ConnectionsMax;
        options.Limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Listen(
            IPAddress.Parse(settings.Address),
            settings.Port,
            listen => listen.Protocols = HttpProtocols.Http1
        );
    }

    private static void Log(ILoggingBuilder logging, LogLevel level)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(level);
        logging.AddFilter("Microsoft", level < LogLevel.Information ? level : LogLevel.Warning);
        logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
    }
}
