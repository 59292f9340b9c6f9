using System.IO.Pipelines;
using System.Net.WebSockets;
using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Streams;

/// <summary>
/// One open socket: what comes from the client goes to the service while the pump carries what comes back. It
/// ends with the call, or with the client.
/// </summary>
internal sealed class SocketSession : IDisposable
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(5);

    private readonly WebSocket _socket;
    private readonly Route _route;
    private readonly GrpcCall _call;
    private readonly Exchange _exchange;
    private readonly TimeProvider _clock;
    private readonly SocketSource _source;
    private readonly Pipe _messages = new();
    private readonly CancellationTokenSource _gone;
    private readonly CancellationTokenSource _stopped;

    public SocketSession(
        WebSocket socket,
        Route route,
        GrpcCall call,
        Exchange exchange,
        int messageBytesMax,
        TimeProvider clock
    )
    {
        (_socket, _route, _call, _exchange, _clock) = (socket, route, call, exchange, clock);
        _source = new SocketSource(socket, messageBytesMax);
        _gone = CancellationTokenSource.CreateLinkedTokenSource(exchange.Context.RequestAborted);
        _stopped = CancellationTokenSource.CreateLinkedTokenSource(_gone.Token);
        if (route.Rpc.IsClientStreaming)
            call.Stream = new PassedBody(_messages.Reader, messageBytesMax);
    }

    public async Task<Problem?> RunAsync(StreamPump pump)
    {
        var sink = new SocketSink(_socket, _route, _exchange.TraceId, _clock);
        var listening = ListenAsync();
        try
        {
            return await pump.RunAsync(_call, sink, _stopped.Token, _gone.Token);
        }
        catch (Exception e)
            when (_gone.IsCancellationRequested && e is OperationCanceledException or WebSocketException)
        {
            return new Problem(Failures.StatusOf(e, isAborted: true) ?? new Google.Rpc.Status());
        }
        finally
        {
            await PartAsync(listening);
        }
    }

    public void Dispose()
    {
        _stopped.Dispose();
        _gone.Dispose();
    }

    // Ends when the client leaves; whatever it says wrong ends the call.
    private async Task ListenAsync()
    {
        var lost = _exchange.Context.RequestAborted;
        try
        {
            using var text = new PooledBuffer();
            while (await _source.ReadAsync(text, lost))
                await TakeAsync(text);
            await _gone.CancelAsync();
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            await _gone.CancelAsync();
        }
        catch (Exception e)
        {
            _call.Refusal ??= e;
            await _stopped.CancelAsync();
            // Nothing more is listened to, but the client's goodbye has to be heard.
            await _source.DrainAsync(lost);
        }
    }

    private async Task TakeAsync(PooledBuffer text)
    {
        if (!_route.Rpc.IsClientStreaming)
            throw BadRequestException.Invalid("message", "is not expected: the stream goes one way");
        // WebSocket cannot close one direction, so an empty frame says that no more messages follow.
        if (text.Length == 0)
        {
            await _messages.Writer.CompleteAsync();
            return;
        }
        using var frame = new GrpcCall(_call.AppId, _call.Path);
        JsonToWire.Message(_route.BodyPlan, text.Written, frame.Message);
        // What path and query say comes last, and so wins.
        frame.Message.Append(_call.Message.Written[GrpcCall.PrefixBytes..]);
        frame.Seal();
        await _messages.Writer.WriteAsync(frame.Message.WrittenMemory, _stopped.Token);
    }

    // The client answers our goodbye, or we its; who does not within a while is cut off.
    private async Task PartAsync(Task listening)
    {
        await _stopped.CancelAsync();
        try
        {
            if (_socket.State == WebSocketState.CloseReceived)
                await _socket.CloseOutputAsync(
                    WebSocketCloseStatus.NormalClosure,
                    "",
                    CancellationToken.None
                );
            await listening.WaitAsync(Goodbye, _clock);
        }
        catch (Exception e) when (e is TimeoutException or WebSocketException)
        {
            _socket.Abort();
        }
    }
}
