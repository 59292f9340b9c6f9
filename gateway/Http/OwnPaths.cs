using Souk.Gateway.Docs;

namespace Souk.Gateway.Http;

/// <summary>Paths that no contract names: how the gateway is, and what it serves.</summary>
internal sealed class OwnPaths(Readiness readiness, ReferencePages pages)
{
    /// <summary>Null when the path is none of these.</summary>
    public Task? TryHandle(HttpContext context, string path) =>
        path switch
        {
            "/health" => HealthAsync(context),
            "/ready" => readiness.HandleAsync(context),
            _ => pages.Find(context.Request.Method, path)?.SendAsync(context),
        };

    // Alive is whoever answers; what hangs on others is for /ready.
    private static Task HealthAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync("""{"status":"ok"}""", context.RequestAborted);
    }
}
