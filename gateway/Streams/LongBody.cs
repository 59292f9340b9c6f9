using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Souk.Gateway.Streams;

/// <summary>
/// Bodies that are streams. They have no length and may rest between two messages, so the server's limits for
/// bodies do not fit them: their messages, their number and their time are bounded instead.
/// </summary>
internal static class LongBody
{
    /// <summary>Lifts the limits on length and rate for this request's body.</summary>
    public static void Allow(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }
}
