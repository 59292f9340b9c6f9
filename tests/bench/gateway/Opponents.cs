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
    /// <summary>Beside the service's port: an endpoint that has the product already.</summary>
    public const int PlainOffset = 1;

    /// <summary>An endpoint that asks the service for the product by gRPC.</summary>
    public const int AskingOffset = 2;

    /// <summary>An endpoint as a team writes it, which has the product already.</summary>
    public const int MappedOffset = 3;

    /// <summary>Serves until its standard input ends, so that it cannot outlive who started it.</summary>
    public static async Task RunAsync(int port, CancellationToken cancellation)
    {
        await using var service = Service(port);
        await using var plain = Plain(port + PlainOffset);
        await using var asking = Asking(port + AskingOffset, port);
        await using var mapped = Mapped(port + MappedOffset);
        foreach (var app in (WebApplication[])[service, plain, asking, mapped])
            await app.StartAsync(cancellation);
        while (await Console.In.ReadLineAsync(cancellation) is not null) { }
    }

    private static WebApplication Service(int port)
    {
        var builder = Builder(port, HttpProtocols.Http2);
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<IdleCatalog>();
        var app = builder.Build();
        app.MapGrpcService<IdleCatalog>();
        return app;
    }

    private static WebApplication Plain(int port)
    {
        var product = PlainMapping.Of(SampleProduct.Message());
        var app = Builder(port, HttpProtocols.Http1).Build();
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
        var app = Builder(port, HttpProtocols.Http1).Build();
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

    private static WebApplicationBuilder Builder(int port, HttpProtocols protocols)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = protocols)
        );
        return builder;
    }
}
