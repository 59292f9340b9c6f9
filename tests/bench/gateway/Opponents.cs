using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Souk.Catalog.V1;

namespace Souk.Bench.Gateway;

/// <summary>
/// A process of its own with what the gateway is measured against: the service behind it, which does nothing
/// but answer, and endpoints that return the same JSON by System.Text.Json. The endpoints are told apart by
/// port: the bare ones have no routing at all.
/// </summary>
internal static class Opponents
{
    /// <summary>Serves until its standard input ends, so that it cannot outlive who started it.</summary>
    public static async Task RunAsync(OpponentPorts ports, CancellationToken cancellation)
    {
        await using var service = Service(ports.Service);
        await using var plain = Plain(ports.Plain);
        await using var asking = Asking(ports.Asking, ports.Service);
        await using var mapped = Mapped(ports.Mapped);
        foreach (var app in (WebApplication[])[service, plain, asking, mapped])
            await app.StartAsync(cancellation);
        while (await Console.In.ReadLineAsync(cancellation) is not null) { }
    }

    private static WebApplication Service(int port)
    {
        var builder = Loopback.Builder((port, HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<IdleCatalog>();
        var app = builder.Build();
        app.MapGrpcService<IdleCatalog>();
        return app;
    }

    private static WebApplication Plain(int port)
    {
        var product = PlainMapping.Of(SampleProduct.Message());
        var app = Loopback.Builder((port, HttpProtocols.Http1)).Build();
        app.Run(context => AnswerAsync(context, product));
        return app;
    }

    // What "dotnet new webapi" begins with, levels of its log included.
    private static WebApplication Mapped(int port)
    {
        var product = PlainMapping.Of(SampleProduct.Message());
        var builder = WebApplication.CreateBuilder();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Hosting", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        });
        var app = builder.Build();
        app.MapGet(
            "/api/v1/products/{product_id}",
            (string product_id) => product with { ProductId = product_id, Id = product_id }
        );
        return app;
    }

    private static WebApplication Asking(int port, int servicePort)
    {
        var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{servicePort}");
        var client = new CatalogService.CatalogServiceClient(channel);
        var app = Loopback.Builder((port, HttpProtocols.Http1)).Build();
        app.Run(async context =>
        {
            var id = context.Request.Path.Value?.Split('/')[^1];
            var product = await client.GetProductAsync(new GetProductRequest { ProductId = id });
            await AnswerAsync(context, PlainMapping.Of(product));
        });
        return app;
    }

    private static Task AnswerAsync(HttpContext context, PlainProduct product) =>
        context.Response.WriteAsJsonAsync(product, PlainMapping.Json, context.RequestAborted);
}

/// <summary>Where the opponents listen.</summary>
/// <param name="Service">The service behind them all.</param>
/// <param name="Plain">The endpoint without routing, filters or log that has the product already.</param>
/// <param name="Asking">The endpoint that asks the service for the product by gRPC.</param>
/// <param name="Mapped">The endpoint as a team writes it, which has the product already.</param>
internal sealed record OpponentPorts(int Service, int Plain, int Asking, int Mapped)
{
    /// <summary>As the process is told them.</summary>
    public IEnumerable<string> Arguments =>
        new[] { Service, Plain, Asking, Mapped }.Select(port => port.ToString(CultureInfo.InvariantCulture));

    public static OpponentPorts Free() => Of(FreePorts.Many(4));

    public static OpponentPorts Parse(IEnumerable<string> arguments) =>
        Of([.. arguments.Select(port => int.Parse(port, CultureInfo.InvariantCulture))]);

    private static OpponentPorts Of(int[] ports) => new(ports[0], ports[1], ports[2], ports[3]);
}
