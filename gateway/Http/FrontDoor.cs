using Souk.Gateway.Security;

namespace Souk.Gateway.Http;

/// <summary>
/// What every request passes first: headers for browsers, the gateway's own paths, then the contracts'
/// routes.
/// </summary>
internal sealed class FrontDoor(RequestGuard guard, RestEndpoint rest, Readiness readiness, Cors cors)
{
    public Task HandleAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        headers["Referrer-Policy"] = "no-referrer";
        if (context.Request.IsHttps)
            headers.StrictTransportSecurity = "max-age=31536000";
        cors.Apply(context);
        var path = context.Request.Path.Value ?? "";
        if (HttpMethods.IsOptions(context.Request.Method) && cors.TryAnswerOptions(context, path))
            return Task.CompletedTask;
        return path switch
        {
            "/health" => HealthAsync(context),
            "/ready" => readiness.HandleAsync(context),
            _ => guard.RunAsync(context, rest.ServeAsync),
        };
    }

    // Alive is whoever answers; what hangs on others is for /ready.
    private static Task HealthAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync("""{"status":"ok"}""", context.RequestAborted);
    }
}
