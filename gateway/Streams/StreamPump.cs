using Souk.Gateway.Calls;
using Souk.Gateway.Errors;

namespace Souk.Gateway.Streams;

/// <summary>
/// Carries a stream's messages from the service to a sink, one at a time: while the reader has no room the
/// next one is not asked for, and so, through HTTP/2's windows, the service waits. Silence is broken by
/// heartbeats.
/// </summary>
internal sealed class StreamPump(
    ServiceCaller caller,
    OpenStreams streams,
    GatewaySettings settings,
    TimeProvider clock
)
{
    /// <summary>Runs the call to its end. Returns the problem that it ended with, told or not.</summary>
    /// <param name="stopped">Ends the call before its deadline, by the reader's doing.</param>
    /// <param name="gone">Ends with the reader, to whom nothing can be told any more.</param>
    public async Task<Problem?> RunAsync(
        GrpcCall call,
        StreamSink sink,
        CancellationToken stopped,
        CancellationToken gone
    )
    {
        using var late = new CancellationTokenSource(call.Deadline, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(
            stopped,
            streams.Stopping,
            late.Token
        );
        Problem? problem;
        try
        {
            problem = await CarryAsync(call, sink, ended.Token, gone);
        }
        catch (Exception e)
            when (!gone.IsCancellationRequested
                && streams.StatusOf(call.Refusal ?? e, isGone: false) is { } status
            )
        {
            problem = new Problem(status);
        }
        if (problem is null || sink.HasStarted)
            await sink.EndAsync(problem?.For(LanguagesOf(call)), gone);
        return problem;
    }

    private static string LanguagesOf(GrpcCall call) =>
        call.Metadata.Find(entry => entry.Key == "accept-language").Value ?? "";

    private async Task<Problem?> CarryAsync(
        GrpcCall call,
        StreamSink sink,
        CancellationToken token,
        CancellationToken gone
    )
    {
        using var reply = await BeatWhileAsync(caller.OpenAsync(call, token, gone), sink, token);
        while (await NextAsync(reply, sink, token))
            await sink.WriteAsync(reply, token);
        var ending = reply.Ending();
        return ending.Code == 0 ? null : new Problem(ending);
    }

    private ValueTask<bool> NextAsync(GrpcReply reply, StreamSink sink, CancellationToken token)
    {
        var next = reply.NextAsync(token);
        return next.IsCompleted ? next : new ValueTask<bool>(BeatWhileAsync(next.AsTask(), sink, token));
    }

    private async Task<T> BeatWhileAsync<T>(Task<T> work, StreamSink sink, CancellationToken token)
    {
        while (!await EndsBeforeBeatAsync(work, token))
            await sink.BeatAsync(token);
        return await work;
    }

    private async Task<bool> EndsBeforeBeatAsync(Task work, CancellationToken token)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        var pause = Task.Delay(settings.Heartbeat, clock, stop.Token);
        if (await Task.WhenAny(work, pause) != work)
            return pause.IsCanceled;
        await stop.CancelAsync();
        return true;
    }
}
