using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Souk.Tests.Harness;

/// <summary>
/// A web server of a test's own on loopback. It can go down, as a crash would have it, and come back on the
/// same port.
/// </summary>
internal sealed class LoopbackServer(
    HttpProtocols protocols,
    Action<WebApplication> map,
    Action<IServiceCollection>? services = null
) : IAsyncDisposable
{
    private WebApplication? _web;

    internal int Port { get; } = FreePorts.One();

    /// <summary>A server of gRPC services, with the objects that they are or ask for.</summary>
    internal static LoopbackServer Grpc(Action<WebApplication> map, params object[] singletons) =>
        new(
            HttpProtocols.Http2,
            map,
            services =>
            {
                services.AddGrpc();
                foreach (var one in singletons)
                    services.AddSingleton(one.GetType(), one);
            }
        );

    internal async Task UpAsync()
    {
        await Ports.UntilFreeAsync(Port);
        var builder = Loopback.Builder((Port, protocols));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        services?.Invoke(builder.Services);
        _web = builder.Build();
        map(_web);
        await _web.StartAsync();
    }

    /// <summary>Calls under way break. Does nothing when the server is down already.</summary>
    internal async Task DownAsync()
    {
        if (_web is null)
            return;
        await _web.KillAsync();
        _web = null;
    }

    public async ValueTask DisposeAsync() => await DownAsync();
}
