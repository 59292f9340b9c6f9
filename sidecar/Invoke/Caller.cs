using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar.Invoke;

/// <summary>
/// Marks a connection to the port that sidecars of other processes call: these have checked their app
/// already, say who it is, and mean nobody but this sidecar's own app.
/// </summary>
internal sealed class InternalLine;

/// <summary>The app that makes a call, and the sidecar that it came to.</summary>
internal sealed record Caller(string AppId, string Namespace, SidecarApp Sidecar, bool IsRemote)
{
    public static Caller Of(HttpContext context)
    {
        var sidecar = context.Features.GetRequiredFeature<SidecarApp>();
        if (context.Features.Get<InternalLine>() is null)
            return new Caller(sidecar.AppId, sidecar.Namespace, sidecar, IsRemote: false);
        var headers = context.Request.Headers;
        return new Caller(
            headers[ForwardedHeaders.CallerAppId].ToString(),
            headers[ForwardedHeaders.CallerNamespace].ToString(),
            sidecar,
            IsRemote: true
        );
    }
}
