using Souk.Gateway.Grpc;
using Souk.Gateway.Routing;

namespace Souk.Gateway.Security;

/// <summary>
/// Lets pages of the configured origins call. Tokens travel in a header, so no cookie is ever allowed.
/// </summary>
internal sealed class Cors(GatewaySettings settings, Contracts contracts, GrpcEndpoint grpc)
{
    private static readonly string[] Post = [HttpMethods.Post];

    private const string Exposed =
        "ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, "
        + "grpc-status, grpc-message, grpc-status-details-bin";
    private const string PreflightSeconds = "600";

    private readonly string _allowedHeaders = string.Join(
        ", ",
        contracts
            .Rpcs.SelectMany(rpc => rpc.HeaderFields)
            .Select(field => field.Name)
            .Concat([
                "Accept-Language",
                "Authorization",
                "Content-Type",
                "grpc-timeout",
                "If-None-Match",
                "Last-Event-ID",
                "traceparent",
                "tracestate",
                "X-Grpc-Web",
                "X-Request-Id",
                "X-Request-Timeout",
                "X-User-Agent",
            ])
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Order(StringComparer.OrdinalIgnoreCase)
    );

    /// <summary>Adds the headers for an allowed origin.</summary>
    public void Apply(HttpContext context)
    {
        var origin = context.Request.Headers.Origin.ToString();
        if (origin.Length == 0 || !IsAllowed(origin))
            return;
        context.Response.Headers.AccessControlAllowOrigin = origin;
        context.Response.Headers.AccessControlExposeHeaders = Exposed;
        context.Response.Headers.Vary = "Origin";
    }

    /// <summary>
    /// Answers OPTIONS: a preflight, or the question which verbs a path has. False when the path is unknown.
    /// </summary>
    public bool TryAnswerOptions(HttpContext context, string path)
    {
        var methods = grpc.Offers(path) ? Post : contracts.Table.MethodsOf(path);
        if (methods.Count == 0)
            return false;
        var headers = context.Response.Headers;
        headers.Allow = string.Join(", ", methods);
        if (headers.AccessControlAllowOrigin.Count > 0)
        {
            headers.AccessControlAllowMethods = headers.Allow;
            headers.AccessControlAllowHeaders = _allowedHeaders;
            headers.AccessControlMaxAge = PreflightSeconds;
        }
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return true;
    }

    /// <summary>
    /// Whether a page may open a socket: one of an allowed origin or of our own. Others than browsers send
    /// none.
    /// </summary>
    public bool MayConnect(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0
            || IsAllowed(origin)
            || (
                Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Authority == request.Host.Value
            );
    }

    private bool IsAllowed(string origin) =>
        settings.Origins.Contains("*") || settings.Origins.Contains(origin, StringComparer.OrdinalIgnoreCase);
}
