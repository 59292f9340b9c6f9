using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Souk.Tests.Harness;

namespace Souk.Tests.Standins;

/// <summary>A real server on loopback ports: gRPC over plain HTTP/2, and HTTP/1 beside it.</summary>
internal sealed class LoopbackApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LoopbackApp(WebApplication app)
    {
        _app = app;
        var ports = app.Urls.Select(url => new Uri(url).Port).ToArray();
        (GrpcPort, HttpPort) = (ports[0], ports[1]);
    }

    public int GrpcPort { get; }

    public int HttpPort { get; }

    public string GrpcEndpoint => $"http://127.0.0.1:{GrpcPort}";

    public string HttpEndpoint => $"http://127.0.0.1:{HttpPort}";

    /// <summary>Starts serving.</summary>
    /// <param name="service">The gRPC service, one object for all calls.</param>
    /// <param name="map">Adds HTTP endpoints.</param>
    /// <param name="grpcPort">By default one that nobody takes while the app is down.</param>
    public static async Task<LoopbackApp> StartAsync<TService>(
        TService service,
        Action<WebApplication>? map = null,
        int? grpcPort = null
    )
        where TService : class
    {
        var port = grpcPort ?? FreePorts.One();
        await Ports.UntilFreeAsync(port);
        var builder = Loopback.Builder((port, HttpProtocols.Http2), (0, HttpProtocols.Http1));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(service);
        var app = builder.Build();
        app.MapGrpcService<TService>();
        map?.Invoke(app);
        await app.StartAsync();
        return new LoopbackApp(app);
    }

    /// <summary>Stops at once, as a killed process would.</summary>
    public async ValueTask DisposeAsync() => await _app.KillAsync();
}
