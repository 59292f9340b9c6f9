using System.Net.WebSockets;
using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;
using Souk.Shared;

namespace Souk.Gateway.Streams;

/// <summary>
/// A socket as a stream's reader: a text frame for each message, the error in one of its own, and the status
/// as close code: 1000 for OK, else 4000 and the code of gRPC. Heartbeats are WebSocket's own pings.
/// </summary>
internal sealed class SocketSink(WebSocket socket, Route route, string traceId, TimeProvider clock)
    : StreamSink
{
    private const int CloseCodeBase = 4000;

    // A reader that takes nothing for so long holds a call open for nobody.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // The handshake was the answer's head.
    public override bool HasStarted => true;

    public override async ValueTask WriteAsync(GrpcReply reply, CancellationToken token)
    {
        using var text = new PooledBuffer();
        ReplyWriter.Render(route, reply.Message, text);
        await SendAsync(text);
    }

    public override ValueTask BeatAsync(CancellationToken token) => ValueTask.CompletedTask;

    public override async ValueTask EndAsync(Problem? problem, CancellationToken token)
    {
        if (socket.State != WebSocketState.Open)
            return;
        if (problem is not null)
            await SendProblemAsync(problem);
        var code = problem is null
            ? WebSocketCloseStatus.NormalClosure
            : (WebSocketCloseStatus)(CloseCodeBase + (int)problem.Code);
        await InTimeAsync(socket.CloseOutputAsync(code, problem?.Reason ?? "", CancellationToken.None));
    }

    private async Task SendProblemAsync(Problem problem)
    {
        using var text = new PooledBuffer();
        text.Append("{\"error\":"u8);
        ProblemJson.Write(problem, traceId, text);
        text.Append("}"u8);
        await SendAsync(text);
    }

    // Not cancelled with the call: that would cut the socket off in the middle of a frame.
    private Task SendAsync(PooledBuffer text) =>
        InTimeAsync(
            socket
                .SendAsync(text.WrittenMemory, WebSocketMessageType.Text, true, CancellationToken.None)
                .AsTask()
        );

    private async Task InTimeAsync(Task sending)
    {
        try
        {
            await sending.WaitAsync(Patience, clock);
        }
        catch (TimeoutException)
        {
            socket.Abort();
            throw Fault.DeadlineExceeded();
        }
    }
}
