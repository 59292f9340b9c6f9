using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Streams;

/// <summary>A response body that grows message by message.</summary>
internal abstract class HttpSink(HttpContext context) : StreamSink
{
    public override bool HasStarted => context.Response.HasStarted;

    /// <summary>Cuts the response off.</summary>
    protected void Abort() => context.Abort();

    /// <summary>Sends a piece, the head of the response before the first.</summary>
    protected async ValueTask SendAsync(PooledBuffer piece, string mediaType, CancellationToken token)
    {
        var response = context.Response;
        if (!response.HasStarted)
        {
            response.ContentType = mediaType;
            response.Headers.CacheControl = "no-store";
            // Proxies that collect before they send would hold messages back.
            response.Headers["X-Accel-Buffering"] = "no";
        }
        await response.Body.WriteAsync(piece.WrittenMemory, token);
        await response.Body.FlushAsync(token);
    }
}
