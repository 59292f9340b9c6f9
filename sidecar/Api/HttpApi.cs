using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Souk.Sidecar.Api;

/// <summary>The part of the HTTP API that scripts and probes use.</summary>
internal static class HttpApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1.0/healthz", (RequestDelegate)Health);
        routes.MapGet("/v1.0/healthz/outbound", (RequestDelegate)OutboundHealth);
        routes.MapGet("/v1.0/metadata", (RequestDelegate)GetMetadata);
        routes.MapPut("/v1.0/metadata/{key}", (RequestDelegate)SetMetadata);
        routes.MapPost("/v1.0/shutdown", (RequestDelegate)Shutdown);
    }

    private static Task Health(HttpContext context)
    {
        var app = AppOf(context);
        var wanted = context.Request.Query["appid"].ToString();
        if (wanted.Length > 0 && wanted != app.AppId)
            return FailAsync(context, "ERR_HEALTH_APPID_NOT_MATCH", $"app id is {app.AppId}, not {wanted}");
        if (!app.IsReady)
            return FailAsync(context, "ERR_HEALTH_NOT_READY", "dapr is not ready");
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    // Components are open before any port is: whoever can ask this may call out.
    private static Task OutboundHealth(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static async Task GetMetadata(HttpContext context)
    {
        var metadata = MetadataApi.Get(AppOf(context));
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        MetadataJson.Write(json, metadata);
        await json.FlushAsync(context.RequestAborted);
    }

    private static async Task SetMetadata(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var key = context.Request.RouteValues["key"]?.ToString() ?? "";
        AppOf(context).ExtendedMetadata[key] = await reader.ReadToEndAsync(context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static Task Shutdown(HttpContext context)
    {
        AppOf(context).RequestShutdown();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static async Task FailAsync(HttpContext context, string errorCode, string message)
    {
        context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("errorCode", errorCode);
        json.WriteString("message", message);
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private static SidecarApp AppOf(HttpContext context) => context.Features.GetRequiredFeature<SidecarApp>();
}
