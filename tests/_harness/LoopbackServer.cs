using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

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

    internal async Task UpAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, Port, listen => listen.Protocols = protocols);
        });
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
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _web.StopAsync(now.Token);
        await _web.DisposeAsync();
        _web = null;
    }

    public async ValueTask DisposeAsync() => await DownAsync();
}
