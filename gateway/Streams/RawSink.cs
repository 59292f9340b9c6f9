using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Streams;

/// <summary>
/// Bytes of a media type of their own in pieces, such as a long export. There is no room for heartbeats or
/// for an error: a stream that fails is cut off, so that nobody takes it for whole.
/// </summary>
internal sealed class RawSink(Route route, HttpContext context) : HttpSink(context)
{
    private string _mediaType = "application/octet-stream";

    public override async ValueTask WriteAsync(GrpcReply reply, CancellationToken token)
    {
        using var piece = new PooledBuffer();
        var mediaType = ReplyWriter.Render(route, reply.Message, piece);
        if (!HasStarted)
            _mediaType = mediaType;
        await SendAsync(piece, _mediaType, token);
    }

    public override ValueTask BeatAsync(CancellationToken token) => ValueTask.CompletedTask;

    public override async ValueTask EndAsync(Problem? problem, CancellationToken token)
    {
        if (problem is not null)
        {
            Abort();
            return;
        }
        using var nothing = new PooledBuffer();
        await SendAsync(nothing, _mediaType, token);
    }
}
