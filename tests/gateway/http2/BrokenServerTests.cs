using Souk.Gateway.Calls.Http2;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway.Http2;

/// <summary>What breaks the protocol ends the stream or the connection, and never the gateway.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class BrokenServerTests : IDisposable
{
    private static readonly byte[] Ok = FramePeer.Leading();

    private readonly FrameServer _server = new();
    private readonly Http2Connections _calls;

    public BrokenServerTests() =>
        _calls = new Http2Connections(_server.EndPoint, new ManualTimeProvider(), usual: 1);

    [TearDown]
    public void Dispose()
    {
        _calls.Dispose();
        _server.Dispose();
    }

    private static IEnumerable<TestCaseData> Connections()
    {
        yield return Case("DataOfNoStream", FrameKind.Data, 0, 0, 1);
        yield return Case("DataOfAStreamThatNobodyOpened", FrameKind.Data, 0, 99, 1);
        yield return Case("HeadersOfTheServersOwnStream", FrameKind.Headers, Frames.EndHeaders, 2, Ok);
        yield return Case("MorePaddingThanData", FrameKind.Data, Frames.Padded, 1, 9, 1);
        yield return Case("PaddingWithoutLength", FrameKind.Data, Frames.Padded, 1);
        yield return Case("PriorityCutOff", FrameKind.Headers, 0x24, 1, 1, 2);
        yield return Case("ContinuationOfNothing", FrameKind.Continuation, Frames.EndHeaders, 1, Ok);
        yield return Case("Push", FrameKind.PushPromise, Frames.EndHeaders, 1, 0, 0, 0, 2);
        yield return Case("HeaderNeverSaid", FrameKind.Headers, Frames.EndHeaders, 1, 0xbe);
        yield return Case("SettingsOfAStream", FrameKind.Settings, 0, 1);
        yield return Case("SettingsCutOff", FrameKind.Settings, 0, 0, 0, 1, 0);
        yield return Case("WindowOfStreamsTooLarge", FrameKind.Settings, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff);
        yield return Case("WindowGrowsByNothing", FrameKind.WindowUpdate, 0, 0, 0, 0, 0, 0);
        yield return Case("WindowTooLarge", FrameKind.WindowUpdate, 0, 0, 0x7f, 0xff, 0xff, 0xff);
        yield return Case("WindowUpdateCutOff", FrameKind.WindowUpdate, 0, 0, 1);
        yield return Case("PingOfAStream", FrameKind.Ping, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8);
        yield return Case("PingCutOff", FrameKind.Ping, 0, 0, 1);
        yield return Case("GoAwayCutOff", FrameKind.GoAway, 0, 0, 1);
        yield return Case("ResetOfNoStream", FrameKind.ResetStream, 0, 0, 0, 0, 0, 8);
        yield return Case("FrameTooLarge", FrameKind.Data, 0, 1, new byte[Frames.PayloadBytesMax + 1]);
    }

    [TestCaseSource(nameof(Connections))]
    public async Task Call_ConnectionBroken_FailsAndTheNextGetsAnother(Frame broken)
    {
        var (call, peer, _) = await _calls.BeginAsync(_server);
        await peer.WriteAsync(broken);
        await Asking.AssertFailsAsync(call);
        await _calls.AssertServesAsync(_server);
    }

    private static IEnumerable<TestCaseData> Streams()
    {
        yield return Case("Reset", FrameKind.ResetStream, 0, 1, 0, 0, 0, 8);
        yield return Case("DataBeforeHeaders", FrameKind.Data, 0, 1, 1);
        yield return Case("EndBeforeHeaders", FrameKind.Data, Frames.EndStream, 1);
        yield return Case("NoStatus", FrameKind.Headers, 5, 1, FramePeer.Block(("grpc-status", "0")));
        yield return Case("StatusOfNoKind", FrameKind.Headers, 5, 1, FramePeer.Block((":status", "x")));
        yield return Case("OnlyOnTheWay", FrameKind.Headers, 5, 1, FramePeer.Block((":status", "103")));
        yield return Case(
            "LineInAValue",
            FrameKind.Headers,
            5,
            1,
            [.. Ok, .. FramePeer.Block(("a", "b\r\nc"))]
        );
        yield return Case("NameInCapitals", FrameKind.Headers, 5, 1, [.. Ok, .. FramePeer.Block(("A", "b"))]);
        yield return Case("WindowOfItTooLarge", FrameKind.WindowUpdate, 0, 1, 0x7f, 0xff, 0xff, 0xff);
    }

    [TestCaseSource(nameof(Streams))]
    public async Task Call_StreamBroken_FailsAndOthersGoOn(Frame broken)
    {
        var (call, peer, _) = await _calls.BeginAsync(_server);
        var other = _calls.AskAsync();
        var id = await peer.CallAsync();
        await peer.WriteAsync(broken);
        await Asking.AssertFailsAsync(call);
        await peer.AnswerAsync(id);
        using var reply = await other;

        Assert.That(reply.Ending.Code, Is.Zero);
    }

    [TestCase(new byte[] { 1, 0, 0, 0, 0 }, TestName = "Call_CompressedMessage_Fails")]
    [TestCase(new byte[] { 0, 0, 0, 0, 9, 1 }, TestName = "Call_MessageCutOff_Fails")]
    [TestCase(new byte[] { 0, 0, 0 }, TestName = "Call_PrefixCutOff_Fails")]
    [TestCase(new byte[] { 0, 0xff, 0xff, 0xff, 0xff }, TestName = "Call_MessageOfAnySize_Fails")]
    public async Task Call_BodyIsNoMessage_Fails(byte[] body)
    {
        var (call, peer, id) = await _calls.BeginAsync(_server);
        await peer.WriteAsync(FrameKind.Headers, Frames.EndHeaders, id, Ok);
        await peer.WriteAsync(FrameKind.Data, Frames.EndStream, id, body);

        await Asking.AssertFailsAsync(call);
    }

    [Test]
    public async Task Call_BodyWithoutEnd_IsBrokenOffAtTheLimit()
    {
        var (call, peer, id) = await _calls.BeginAsync(_server);
        await peer.WriteAsync(FrameKind.Headers, Frames.EndHeaders, id, Ok);
        var piece = new byte[Frames.PayloadBytesMax];
        for (var sent = 0; sent <= 4 * 1024 * 1024; sent += piece.Length)
            await peer.WriteAsync(FrameKind.Data, 0, id, piece);
        var reset = await peer.NextAsync(FrameKind.ResetStream);

        Assert.That(reset.Stream, Is.EqualTo(id));
        await Asking.AssertFailsAsync(call);
    }

    [Test]
    public async Task Call_HeadersWithoutEnd_EndTheConnectionAtTheLimit()
    {
        var (call, peer, id) = await _calls.BeginAsync(_server);
        await WriteUntilCutOffAsync(async () =>
        {
            await peer.WriteAsync(FrameKind.Headers, 0, id, Ok);
            for (var piece = 0; piece < 5; piece++)
                await peer.WriteAsync(FrameKind.Continuation, 0, id, new byte[Frames.PayloadBytesMax]);
        });

        await Asking.AssertFailsAsync(call);
        await _calls.AssertServesAsync(_server);
    }

    [Test]
    public async Task Call_PingsWithoutEnd_EndTheConnection()
    {
        var (call, peer, _) = await _calls.BeginAsync(_server);
        byte[] ping = [0, 0, 8, (byte)FrameKind.Ping, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        var flood = Enumerable.Repeat(ping, 50_000).SelectMany(bytes => bytes).ToArray();
        await WriteUntilCutOffAsync(() => peer.WriteAsync(flood));
        await Asking.AssertFailsAsync(call);
        await _calls.AssertServesAsync(_server);
    }

    private static async Task WriteUntilCutOffAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (IOException)
        {
            // It was closed while we wrote.
        }
    }

    private static TestCaseData Case(
        string name,
        FrameKind kind,
        int flags,
        int stream,
        params byte[] payload
    ) => new TestCaseData(new Frame(kind, (byte)flags, stream, payload)).SetName("{m}(" + name + ")");
}
