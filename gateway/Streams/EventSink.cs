using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Streams;

/// <summary>
/// Server-sent events: a message each, with its position as id, so that a client that comes back continues
/// there. The last event is "problem" or "end"; a client closes on both, or it would connect again.
/// </summary>
internal sealed class EventSink(Route route, HttpContext context, string traceId) : HttpSink(context)
{
    private const string MediaType = "text/event-stream";

    // How soon a client that lost the connection tries again.
    private static ReadOnlySpan<byte> Retry => "retry: 2000\n"u8;

    public override async ValueTask WriteAsync(GrpcReply reply, CancellationToken token)
    {
        using var piece = Begin();
        using var position = new PooledBuffer();
        if (StreamPosition.TryRead(route.Rpc, reply.Message, position))
        {
            piece.Append("id: "u8);
            piece.Append(position.Written);
            piece.Append("\n"u8);
        }
        piece.Append("data: "u8);
        ReplyWriter.Render(route, reply.Message, piece);
        piece.Append("\n\n"u8);
        await SendAsync(piece, MediaType, token);
    }

    public override async ValueTask BeatAsync(CancellationToken token)
    {
        using var piece = Begin();
        piece.Append(":\n\n"u8);
        await SendAsync(piece, MediaType, token);
    }

    public override async ValueTask EndAsync(Problem? problem, CancellationToken token)
    {
        using var piece = Begin();
        piece.Append(problem is null ? "event: end\ndata: {}"u8 : "event: problem\ndata: "u8);
        if (problem is not null)
            ProblemJson.Write(problem, traceId, piece);
        piece.Append("\n\n"u8);
        await SendAsync(piece, MediaType, token);
    }

    private PooledBuffer Begin()
    {
        var piece = new PooledBuffer();
        if (!HasStarted)
            piece.Append(Retry);
        return piece;
    }
}
