using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Security;
using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Streams;

/// <summary>
/// Who may open a socket. Browsers open them from any page without asking first, so the page's origin is
/// checked here; and as they send no headers of the page's choice, a token may come as a subprotocol.
/// </summary>
internal sealed class SocketAdmission(AccessGate gate, RateGate rates, Cors cors, OpenStreams streams)
{
    /// <summary>What a client offers, and is given: JSON messages in text frames.</summary>
    public const string Subprotocol = "souk.json.v1";

    private const string TokenPrefix = "bearer.";

    /// <summary>Lets the caller in and keeps one of its streams until the result is disposed.</summary>
    public async ValueTask<IDisposable> AdmitAsync(Exchange exchange, Rpc rpc)
    {
        var context = exchange.Context;
        rates.CheckAddress(exchange);
        if (!cors.MayConnect(context.Request))
            throw Fault.PermissionDenied(
                Reason.OriginNotAllowed,
                "Pages of this origin may not open a socket."
            );
        TakeToken(context);
        var authorization = context.Request.Headers.Authorization;
        exchange.Caller = await gate.AdmitAsync(rpc, authorization, context.RequestAborted);
        rates.CheckUser(exchange);
        return streams.Take(exchange);
    }

    private static void TakeToken(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.Authorization.Count > 0)
            return;
        foreach (var offered in context.WebSockets.WebSocketRequestedProtocols)
        {
            if (offered.StartsWith(TokenPrefix, StringComparison.Ordinal))
                headers.Authorization = $"Bearer {offered[TokenPrefix.Length..]}";
        }
    }
}
