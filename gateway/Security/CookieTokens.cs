using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Security;

/// <summary>
/// For web shops that keep the access token in a cookie which scripts cannot read. A browser sends it
/// whoever's page asks, so what changes something, or opens a WebSocket, must come from our own pages:
/// browsers say so in Sec-Fetch-Site, which no page can forge; older ones in Origin.
/// </summary>
internal sealed class CookieTokens(GatewaySettings settings)
{
    private const string SameOrigin = "same-origin";

    /// <summary>Takes the token of the cookie as that of the request.</summary>
    public void Apply(HttpContext context)
    {
        var request = context.Request;
        if (settings.TokenCookie.Length == 0 || request.Headers.Authorization.Count > 0)
            return;
        if (request.Cookies[settings.TokenCookie] is not { Length: > 0 } token)
            return;
        context.Response.Headers.Append("Vary", "Cookie");
        if (Changes(request) && !IsOurs(request))
            throw Fault.PermissionDenied(
                Reason.OriginNotAllowed,
                "With the token in a cookie, changes must come from the shop's own pages."
            );
        request.Headers.Authorization = $"Bearer {token}";
    }

    private static bool Changes(HttpRequest request) =>
        !(
            HttpMethods.IsGet(request.Method)
            || HttpMethods.IsHead(request.Method)
            || HttpMethods.IsOptions(request.Method)
        )
        || request.Headers.Upgrade.Count > 0;

    private bool IsOurs(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (settings.Origins.Contains(origin, StringComparer.OrdinalIgnoreCase))
            return true;
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0)
            return site == SameOrigin;
        return origin.Length > 0
            && origin.Equals($"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }
}
