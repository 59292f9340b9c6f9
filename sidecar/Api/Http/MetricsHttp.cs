using System.Text;
using Microsoft.AspNetCore.Http;

namespace Souk.Sidecar.Api.Http;

/// <summary>What Prometheus reads: on the HTTP port, and on a port of its own where one was asked
/// for.</summary>
internal static class MetricsHttp
{
    public const string Path = "/metrics";

    private const string TextFormat = "text/plain; version=0.0.4; charset=utf-8";

    public static void Map(ApiRoutes routes) => routes.Get(Path, Get);

    /// <summary>For a port that knows no other path.</summary>
    public static Task AnswerOnlyAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Path == Path || context.Request.Path == "/")
        {
            context.Request.Path = Path;
            return next(context);
        }
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static async Task Get(ApiCall call)
    {
        var text = await call.App.Metrics.WriteAsync(call.Cancellation);
        await call.AnswerAsync(Encoding.UTF8.GetBytes(text), TextFormat);
    }
}

/// <summary>Set on connections to a port that answers nothing but metrics.</summary>
internal sealed class MetricsOnly
{
    public static MetricsOnly Mark { get; } = new();
}
