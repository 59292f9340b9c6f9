using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Http;

/// <summary>
/// Writes the messages of a stream as they come: server-sent events when the caller accepts them, else one
/// JSON object a line. Writing waits for the reader, and so, through HTTP/2's windows, does the service.
/// </summary>
internal sealed class StreamWriter(Route route, HttpContext context, string traceId)
{
    private const string EventStream = "text/event-stream";
    private const string Lines = "application/x-ndjson";

    // Proxies drop a connection that is silent for a minute.
    private static readonly TimeSpan s_heartbeat = TimeSpan.FromSeconds(15);

    private readonly bool _isEvents = context
        .Request.Headers.Accept.ToString()
        .Contains(EventStream, StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns the problem that the stream ended with before anything was written.</summary>
    public async Task<Problem?> WriteAsync(GrpcReply reply, CancellationToken token)
    {
        while (await NextAsync(reply, token))
        {
            Start();
            using var line = new PooledBuffer();
            Write(line, _isEvents ? "data: "u8 : default);
            ReplyWriter.Render(route, reply.Message, line);
            Write(line, _isEvents ? "\n\n"u8 : "\n"u8);
            await context.Response.Body.WriteAsync(line.WrittenMemory, token);
            await context.Response.Body.FlushAsync(token);
        }
        var ending = reply.Ending();
        if (ending.Code != 0 && !context.Response.HasStarted)
            return new Problem(ending);
        Start();
        if (ending.Code != 0)
            await WriteErrorAsync(new Problem(ending), token);
        return null;
    }

    private async Task<bool> NextAsync(GrpcReply reply, CancellationToken token)
    {
        var next = reply.NextAsync(token).AsTask();
        while (_isEvents && !next.IsCompleted)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
            var pause = Task.Delay(s_heartbeat, TimeProvider.System, stop.Token);
            if (await Task.WhenAny(next, pause) == next)
            {
                await stop.CancelAsync();
                break;
            }
            Start();
            await context.Response.WriteAsync(":\n\n", token);
            await context.Response.Body.FlushAsync(token);
        }
        return await next;
    }

    // The status line is gone by then, so the error is the last thing in the stream.
    private async Task WriteErrorAsync(Problem problem, CancellationToken token)
    {
        using var line = new PooledBuffer();
        Write(line, _isEvents ? "event: error\ndata: "u8 : "{\"error\":"u8);
        ProblemJson.Write(problem, traceId, line);
        Write(line, _isEvents ? "\n\n"u8 : "}\n"u8);
        await context.Response.Body.WriteAsync(line.WrittenMemory, token);
    }

    private void Start()
    {
        if (context.Response.HasStarted)
            return;
        context.Response.ContentType = _isEvents ? EventStream : Lines;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no";
    }

    private static void Write(PooledBuffer target, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target.GetSpan(bytes.Length));
        target.Advance(bytes.Length);
    }
}
