using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Souk.Tests.Harness;

/// <summary>How tests begin and end web servers of their own, which stand for the other side.</summary>
internal static class Loopback
{
    /// <summary>Listens on loopback and logs nothing. Port 0 takes any that is free.</summary>
    internal static WebApplicationBuilder Builder(params (int Port, HttpProtocols Protocols)[] listeners)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            foreach (var (port, protocols) in listeners)
                kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = protocols);
        });
        return builder;
    }

    /// <summary>Stops at once, as a killed process would: calls under way break.</summary>
    internal static async Task KillAsync(this WebApplication web)
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await web.StopAsync(now.Token);
        await web.DisposeAsync();
    }
}
