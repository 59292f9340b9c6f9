using System.Text;
using Souk.Gateway.Calls.Http2;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway.Http2;

/// <summary>Unary calls over HTTP/2, to a server that does what servers may and what they may not.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class UnaryCallTests : IDisposable
{
    private readonly FrameServer _server = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly Http2Connections _calls;

    public UnaryCallTests() => _calls = new Http2Connections(_server.EndPoint, _clock, usual: 1);

    [TearDown]
    public void Dispose()
    {
        _calls.Dispose();
        _server.Dispose();
    }

    [Test]
    public async Task Call_AnswerInPaddedPieces_IsWhole()
    {
        var (call, peer, id) = await _calls.BeginAsync(_server);
        await peer.WriteAsync(FrameKind.Headers, Frames.EndHeaders, id, FramePeer.Block((":status", "103")));
        var head = FramePeer.Leading();
        await peer.WriteAsync(FrameKind.Headers, 0, id, head[..3]);
        await peer.WriteAsync(FrameKind.Continuation, 0, id);
        await peer.WriteAsync(FrameKind.Continuation, Frames.EndHeaders, id, head[3..]);
        var message = FramePeer.Message("hello");
        await peer.WriteAsync(FrameKind.Data, Frames.Padded, id, [3, .. message[..2], 0, 0, 0]);
        await peer.WriteAsync(FrameKind.Data, 0, id);
        await peer.WriteAsync(FrameKind.Data, 0, id, message[2..]);
        await peer.WriteAsync((FrameKind)99, 0, id, 1, 2, 3);
        await peer.WriteAsync(
            FrameKind.Headers,
            Frames.EndHeaders | Frames.EndStream | Frames.WithPriority,
            id,
            [0, 0, 0, 0, 15, .. FramePeer.Block(("grpc-status", "0"), ("x-last", "1"))]
        );
        using var reply = await call;

        Assert.That(Encoding.UTF8.GetString(reply.Message), Is.EqualTo("hello"));
        Assert.That(reply.Ending.Code, Is.Zero);
        Assert.That(reply.Leading.Value("content-type"), Is.EqualTo("application/grpc"));
        Assert.That(reply.Trailing?.Value("x-last"), Is.EqualTo("1"));
    }

    [Test]
    public async Task Call_AnswerOfHeadersAlone_EndsAsItBegan()
    {
        var (call, peer, id) = await _calls.BeginAsync(_server);
        await peer.WriteAsync(
            FrameKind.Headers,
            Frames.EndHeaders | Frames.EndStream,
            id,
            [0x88, .. FramePeer.Block(("grpc-status", "5"), ("grpc-message", "no%20such"))]
        );
        using var reply = await call;

        Assert.That((reply.Ending.Code, reply.Ending.Message), Is.EqualTo((5, "no such")));
        Assert.That((reply.HasMessage, reply.Trailing), Is.EqualTo((false, (HeaderList?)null)));
    }

    [Test]
    public async Task Call_ServerRefusesTheStream_IsSentAgain()
    {
        var (call, peer, id) = await _calls.BeginAsync(_server);
        await peer.WriteAsync(FrameKind.ResetStream, 0, id, 0, 0, 0, 7);
        await peer.AnswerAsync(await peer.CallAsync());

        using var reply = await call;
        Assert.That(reply.Ending.Code, Is.Zero);
    }

    [Test]
    public async Task Call_ServerRefusesEveryStream_FailsInTheEnd()
    {
        var call = _calls.AskAsync();
        var peer = await _server.AcceptAsync();
        for (var refused = 0; refused < 4; refused++)
            await peer.WriteAsync(FrameKind.ResetStream, 0, await peer.CallAsync(), 0, 0, 0, 7);

        await Asking.AssertFailsAsync(call);
    }

    [Test]
    public async Task Call_ServerGoesAwayBeforeIt_IsSentAgainElsewhereAndOthersEnd()
    {
        var seen = _calls.AskAsync();
        var old = await _server.AcceptAsync();
        var first = await old.CallAsync();
        var unseen = _calls.AskAsync();
        await old.CallAsync();
        await old.WriteAsync(FrameKind.GoAway, 0, 0, [0, 0, 0, (byte)first, 0, 0, 0, 0]);
        var fresh = await _server.AcceptAsync();
        await fresh.AnswerAsync(await fresh.CallAsync());
        using var second = await unseen;
        await old.AnswerAsync(first);
        using var reply = await seen;

        Assert.That((reply.Ending.Code, second.Ending.Code), Is.EqualTo((0, 0)));
        Assert.That(await old.IsClosedAsync(), "behind its last call");
    }

    [Test]
    public async Task Call_ConnectionEndsWithinTheAnswer_FailsAndIsNotSentAgain()
    {
        var (call, peer, id) = await _calls.BeginAsync(_server);
        using (peer)
            await peer.WriteAsync(FrameKind.Headers, Frames.EndHeaders, id, FramePeer.Leading());
        await Asking.AssertFailsAsync(call);
        await _calls.AssertServesAsync(_server);
    }

    [Test]
    public async Task Call_SmallWindows_SendsNoMoreThanTheServerTakes()
    {
        var message = string.Concat(Enumerable.Repeat("0123456789", 10_000));
        var call = _calls.AskAsync(message);
        var peer = await _server.AcceptAsync((Setting.InitialWindowSize, 10));
        var sent = new List<byte>();
        var frame = await peer.NextAsync(FrameKind.Data);
        // The first settings may meet a call that is on its way already.
        while (true)
        {
            sent.AddRange(frame.Payload);
            Assert.That(frame.Payload, Has.Length.LessThanOrEqualTo(Frames.PayloadBytesMax));
            if ((frame.Flags & Frames.EndStream) != 0)
                break;
            await peer.WriteAsync(FrameKind.WindowUpdate, 0, 0, FramePeer.Number(frame.Payload.Length));
            await peer.WriteAsync(FrameKind.WindowUpdate, 0, frame.Stream, FramePeer.Number(20_000));
            frame = await peer.NextAsync(FrameKind.Data);
        }
        await peer.AnswerAsync(frame.Stream);
        using var reply = await call;

        Assert.That(sent, Is.EqualTo(FramePeer.Message(message)));
    }

    [Test]
    public async Task Call_WindowIsShut_WaitsUntilItOpens()
    {
        var peer = await WarmAsync((Setting.InitialWindowSize, 0));
        var call = _calls.AskAsync("hello");
        var head = await peer.NextAsync(FrameKind.Headers);
        await peer.WriteAsync(FrameKind.WindowUpdate, 0, head.Stream, FramePeer.Number(4));
        Assert.That((await peer.NextAsync(FrameKind.Data)).Payload, Has.Length.EqualTo(4));
        await peer.WriteAsync(FrameKind.WindowUpdate, 0, head.Stream, FramePeer.Number(6));
        Assert.That((await peer.NextAsync(FrameKind.Data)).Payload, Has.Length.EqualTo(6));
        await peer.AnswerAsync(head.Stream);
        using var reply = await call;

        Assert.That(reply.Ending.Code, Is.Zero);
    }

    [Test]
    public async Task Call_ServerTakesOneAtATime_OpensAnotherConnection()
    {
        var peer = await WarmAsync((Setting.MaxConcurrentStreams, 1));
        var (first, second) = (_calls.AskAsync(), _calls.AskAsync());
        var other = await _server.AcceptAsync();
        await other.AnswerAsync(await other.CallAsync());
        await peer.AnswerAsync(await peer.CallAsync());
        using var one = await first;
        using var two = await second;

        Assert.That((one.Ending.Code, two.Ending.Code), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Call_CallerLeaves_TellsTheServerAndLeavesOthersAlone()
    {
        using var gone = new CancellationTokenSource();
        var call = _calls.AskAsync(token: gone.Token);
        var peer = await _server.AcceptAsync();
        var left = await peer.CallAsync();
        var other = _calls.AskAsync();
        var stays = await peer.CallAsync();
        await gone.CancelAsync();
        var reset = await peer.NextAsync(FrameKind.ResetStream);
        Assert.That((reset.Stream, reset.Payload), Is.EqualTo((left, FramePeer.Number(8))));
        await peer.AnswerAsync(left);
        await peer.AnswerAsync(stays);
        using var reply = await other;

        Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(reply.Ending.Code, Is.Zero);
    }

    [Test]
    public async Task Call_ManyCallersLeft_GoesOverAnotherConnection()
    {
        using var gone = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 40).Select(_ => _calls.AskAsync(token: gone.Token)).ToArray();
        var peer = await _server.AcceptAsync();
        for (var at = 0; at < calls.Length; at++)
            await peer.CallAsync();
        await gone.CancelAsync();
        foreach (var call in calls)
            Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        await _calls.AssertServesAsync(_server);
        Assert.That(await peer.IsClosedAsync());
    }

    [Test]
    public async Task Call_ServerFallsSilent_FailsOnceItsPingIsNotAnswered()
    {
        var call = _calls.AskAsync();
        var peer = await _server.AcceptAsync();
        await peer.ReadyAsync();
        _clock.Advance(TimeSpan.FromSeconds(35));
        await peer.NextAsync(FrameKind.Ping);
        _clock.Advance(TimeSpan.FromSeconds(15));

        await Asking.AssertFailsAsync(call);
    }

    [Test]
    public async Task Call_ServerFallsSilentOnAConnectionThatOthersLeft_FailsAllTheSame()
    {
        var stays = _calls.AskAsync();
        var peer = await _server.AcceptAsync();
        await peer.ReadyAsync();
        using var gone = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 40).Select(_ => _calls.AskAsync(token: gone.Token)).ToArray();
        for (var at = 0; at < calls.Length; at++)
            await peer.CallAsync();
        await gone.CancelAsync();
        await _calls.AssertServesAsync(_server);
        _clock.Advance(TimeSpan.FromSeconds(35));
        await peer.NextAsync(FrameKind.Ping);
        _clock.Advance(TimeSpan.FromSeconds(15));

        await Asking.AssertFailsAsync(stays);
        foreach (var call in calls)
            Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Ping_OfTheServer_IsAnsweredWithItsBytes()
    {
        var peer = await WarmAsync();
        await peer.WriteAsync(FrameKind.Ping, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
        var answer = await peer.NextAsync(FrameKind.Ping);

        Assert.That(answer.Flags, Is.EqualTo(Frames.Ack));
        Assert.That(answer.Payload, Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }));
    }

    [Test]
    public async Task Call_NobodyListens_Fails()
    {
        _server.Dispose();
        await Asking.AssertFailsAsync(_calls.AskAsync());
    }

    /// <summary>A connection whose settings have been taken.</summary>
    private async Task<FramePeer> WarmAsync(params (Setting, int)[] settings)
    {
        var call = _calls.AskAsync();
        var peer = await _server.AcceptAsync(settings);
        await peer.AnswerAsync(await peer.ReadyAsync());
        using var reply = await call;
        return peer;
    }
}
