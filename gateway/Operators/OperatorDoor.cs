using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Souk.Shared;

namespace Souk.Gateway.Operators;

/// <summary>
/// A port of its own for those who run the gateway, on loopback unless told otherwise: /metrics in
/// Prometheus' text format. A connection is known by the endpoint that accepted it, so no request to the
/// public port gets here.
/// </summary>
internal sealed class OperatorDoor : IDisposable
{
    private const string MetricsPath = "/metrics";

    private readonly PrometheusText _metrics = new(
        Telemetry.Name,
        "System.Runtime",
        "Microsoft.AspNetCore.Server.Kestrel"
    );

    /// <summary>
    /// Adds the door and where it listens, if the settings ask for one. Without it nothing is collected that
    /// nobody could read.
    /// </summary>
    public static void Add(WebApplicationBuilder host, GatewaySettings settings)
    {
        if (settings.OperatorPort is not { } port)
            return;
        host.Services.AddSingleton<OperatorDoor>();
        host.WebHost.ConfigureKestrel(options =>
            options.Listen(
                IPAddress.Parse(settings.OperatorAddress),
                port,
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    listen.Use(next => connection => Mark(connection, next));
                }
            )
        );
    }

    /// <summary>Answers what came through the operators' port, and passes on everything else.</summary>
    public Task RunAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<Pass>() is null)
            return next(context);
        if (context.Request.Path != MetricsPath || !HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }
        context.Response.ContentType = PrometheusText.ContentType;
        return context.Response.WriteAsync(_metrics.Write(), context.RequestAborted);
    }

    public void Dispose() => _metrics.Dispose();

    private static Task Mark(ConnectionContext connection, ConnectionDelegate next)
    {
        connection.Features.Set(new Pass());
        return next(connection);
    }

    private sealed class Pass;
}
