using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Streams;

/// <summary>
/// Newline-delimited JSON: a message a line, an empty line for a heartbeat, and an error as last line in a
/// member "error".
/// </summary>
internal sealed class LineSink(Route route, HttpContext context, string traceId) : HttpSink(context)
{
    private const string MediaType = "application/x-ndjson";

    public override async ValueTask WriteAsync(GrpcReply reply, CancellationToken token)
    {
        using var piece = new PooledBuffer();
        ReplyWriter.Render(route, reply.Message, piece);
        piece.Append("\n"u8);
        await SendAsync(piece, MediaType, token);
    }

    public override async ValueTask BeatAsync(CancellationToken token)
    {
        using var piece = new PooledBuffer();
        piece.Append("\n"u8);
        await SendAsync(piece, MediaType, token);
    }

    public override async ValueTask EndAsync(Problem? problem, CancellationToken token)
    {
        using var piece = new PooledBuffer();
        if (problem is not null)
        {
            piece.Append("{\"error\":"u8);
            ProblemJson.Write(problem, traceId, piece);
            piece.Append("}\n"u8);
        }
        await SendAsync(piece, MediaType, token);
    }
}
