using System.Buffers.Binary;
using System.IO.Compression;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Souk.Gateway.Calls;
using Souk.Gateway.Http;
using Souk.Gateway.Transcoding;
using Souk.Tests.Gateway.Protos;
using Souk.Tests.Harness;
using static Souk.Tests.Gateway.Http2Frames;

namespace Souk.Tests.Gateway;

/// <summary>
/// Callers of gRPC that break off, send nonsense or never end: they get an error or lose their connection,
/// and the gateway keeps nothing of them. Alone, as the heap that is measured is everybody's.
/// </summary>
[NonParallelizable]
internal sealed class HostileGrpcTests
{
    private const long GrowthBytesMax = 8 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private GatewayHarness _gateway = null!;

    // Nothing here may wait for ever, whatever the gateway does.
    private static DateTime Soon => TimeProvider.System.GetUtcNow().UtcDateTime + Patience;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(settings =>
            settings.WithoutRates() with
            {
                StreamsPerCaller = 50,
            }
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [TearDown]
    public async Task Everybody_Else_IsServed() =>
        Assert.That((await _gateway.Grpc.GetThingAsync(new GetThingRequest())).Etag, Is.EqualTo("v1"));

    [Test]
    public async Task TalkThings_BrokenOffManyTimes_LeavesNothingBehind()
    {
        await BreakOffAsync(200);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await BreakOffAsync(2000);
        // Every slot is free again and its memory, though only when the last reset has been seen.
        await Eventually.ThatAsync(() =>
            GC.GetTotalMemory(forceFullCollection: true) - before < GrowthBytesMax
        );
        await Eventually.ThatAsync(TalksAsync);
    }

    // A few kilobytes that unpack to 64 MiB, for a service and for the gateway's own.
    [TestCase("souk.echo.v1.EchoService/GetThing")]
    [TestCase("grpc.health.v1.Health/Check")]
    public async Task AnyRpc_PackedBomb_IsRefusedBeforeItIsUnpacked(string rpc)
    {
        const int bytes = 64 * 1024 * 1024;
        using var packed = new MemoryStream();
        await using (var zip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            // The string field 1 of that length.
            await zip.WriteAsync(new byte[] { 0x0a, 0x80, 0x80, 0x80, 0x20 });
            var piece = new byte[64 * 1024];
            for (var written = 0; written < bytes; written += piece.Length)
                await zip.WriteAsync(piece);
        }
        var frame = new byte[5 + packed.Length];
        frame[0] = 1;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), (int)packed.Length);
        packed.ToArray().CopyTo(frame, 5);
        using var content = new ByteArrayContent(frame);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc-web");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/{rpc}") { Content = content };
        request.Headers.TryAddWithoutValidation("grpc-encoding", "gzip");
        var before = GC.GetTotalAllocatedBytes();
        using var answer = await _gateway.Http.SendAsync(request);
        var ending = await answer.Content.ReadAsStringAsync();
        var used = GC.GetTotalAllocatedBytes() - before;

        Assert.That(ending + answer.Headers, Does.Match("(?i)grpc-status: 8"));
        Assert.That(used, Is.LessThan(bytes / 2), "bytes allocated for it, on both sides");
    }

    [Test]
    public async Task CollectThings_ClientNeverEnds_IsEndedByItsDeadline()
    {
        await using var gateway = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                StreamDeadline = TimeSpan.FromSeconds(1),
            }
        );
        using var call = gateway.Grpc.CollectThings(deadline: Soon);
        // On a machine that stalls the end may come before the message has left.
        await call.RequestStream.TryWriteAsync(new Thing());
        var ending = await Failure.OfAsync(() => call.ResponseAsync);

        Assert.That(ending.Code, Is.EqualTo(StatusCode.DeadlineExceeded));
    }

    // 16 KB were agreed for any frame; a WINDOW_UPDATE has four bytes.
    [TestCase(Data, 1 << 20)]
    [TestCase(WindowUpdate, 5)]
    public async Task Connection_FrameOfAWrongLength_IsClosed(byte type, int length)
    {
        var answer = await TalkRawAsync([Head(1, ends: false), Frame(type, 0, 1, new byte[length])]);

        Assert.That(Types(answer), Has.Some.EqualTo(GoAway));
    }

    [Test]
    public async Task GetThing_BytesBehindTheEnd_AreRefused()
    {
        var message = new byte[] { 0, 0, 0, 0, 0 };
        var answer = await TalkRawAsync([
            Head(1, ends: false),
            Frame(Data, EndStream, 1, message),
            Frame(Data, 0, 1, "garbage"u8),
        ]);

        // RST_STREAM or GOAWAY, as the stream is half closed or forgotten by then.
        Assert.That(Types(answer), Has.Some.EqualTo(Reset).Or.Some.EqualTo(GoAway));
    }

    [Test]
    public async Task Connection_RandomFrames_HarmNobody([Range(1, 40)] int seed)
    {
        var random = new Random(seed);
        var frames = new List<byte[]>();
        for (var at = 0; at < 60; at++)
        {
            var payload = new byte[random.Next(0, 200)];
            random.NextBytes(payload);
            frames.Add(
                random.Next(3) == 0
                    ? Head((random.Next(50) * 2) + 1, random.Next(2) == 0)
                    : Frame((byte)random.Next(12), (byte)random.Next(256), random.Next(100), payload)
            );
        }

        Assert.That(await TalkRawAsync(frames), Is.Not.Null);
    }

    // The reset may be known to who reads the body before the request itself is known to be over.
    [Test]
    public async Task PassedBody_CallerGoesAway_IsTheCallersDoing([Values] bool isBetweenReads)
    {
        using var body = new PassedBody(new LeftBody(isBetweenReads), messageBytesMax: 100);

        var copied = body.CopyToAsync(Stream.Null);
        await Task.WhenAny(copied);
        Assert.That(copied.IsFaulted);
        Assert.That((body.Refusal as RpcException)?.StatusCode, Is.EqualTo(StatusCode.Cancelled));
    }

    // So it may be for a unary call; nobody may be told that the service cannot be reached.
    [Test]
    public async Task Body_CallerGoesAway_IsCancelled([Values] bool isBetweenReads)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IRequestBodyPipeFeature>(new LeftBody(isBetweenReads));
        using var message = new PooledBuffer();

        var fault = (
            await Assert.ThrowsAsync<RpcException>(async () =>
                await BodyReader.ReadAsync(context, message, bytesMax: 100)
            )
        )!;
        Assert.That(fault.StatusCode, Is.EqualTo(StatusCode.Cancelled));
    }

    [Test]
    public void MessageMeter_AnyPieces_CountsAlike([Range(1, 50)] int seed)
    {
        var random = new Random(seed);
        var body = new MemoryStream();
        for (var count = random.Next(20); count > 0; count--)
        {
            var prefix = new byte[5];
            var length = random.Next(0, 300);
            BinaryPrimitives.WriteUInt32BigEndian(prefix.AsSpan(1), (uint)length);
            body.Write(prefix);
            body.Write(new byte[length]);
        }
        var isCut = random.Next(3) == 0 && body.Length > 0;
        var bytes = body.ToArray().AsSpan(0, (int)body.Length - (isCut ? 1 : 0)).ToArray();
        var meter = new MessageMeter(300);
        for (var at = 0; at < bytes.Length; )
        {
            var piece = Math.Min(random.Next(1, 40), bytes.Length - at);
            meter.Count(bytes.AsSpan(at, piece));
            at += piece;
        }

        Assert.That(meter.End, isCut ? Throws.InstanceOf<RpcException>() : Throws.Nothing);
    }

    private async Task BreakOffAsync(int times)
    {
        for (var at = 0; at < times; at++)
        {
            using var call = Talk();
            // What the break hits differs: the call's begin, its first message, its answer.
            if (at % 3 > 0)
                await IgnoreAsync(() => call.RequestStream.WriteAsync(new Thing { Name = "a" }));
            if (at % 3 > 1)
                await IgnoreAsync(() => call.ResponseStream.MoveNext(CancellationToken.None));
        }
    }

    private AsyncDuplexStreamingCall<Thing, Thing> Talk() =>
        _gateway.Grpc.TalkThings(
            new Metadata { { "authorization", $"Bearer {GatewayHarness.Token("buyer")}" } },
            Soon
        );

    // More streams are broken off than the gateway has seen the end of: some are refused.
    private static async Task IgnoreAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.ResourceExhausted or StatusCode.Cancelled) { }
    }

    private async Task<bool> TalksAsync()
    {
        using var call = Talk();
        try
        {
            await call.RequestStream.TryWriteAsync(new Thing { Name = "a" });
            return await call.ResponseStream.MoveNext(CancellationToken.None);
        }
        catch (RpcException)
        {
            return false;
        }
    }

    // Says all, then listens until there is nothing more for a while or the connection ends.
    private async Task<byte[]> TalkRawAsync(IEnumerable<byte[]> frames)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(_gateway.Origin.Host, _gateway.Origin.Port);
        var stream = client.GetStream();
        // Who breaks the protocol may be cut off amid its writing: the answer is read beside it.
        var written = WriteAsync(stream, frames);
        var answer = new MemoryStream();
        try
        {
            using var timeout = new CancellationTokenSource(Patience);
            var buffer = new byte[8192];
            int read;
            while ((read = await stream.ReadAsync(buffer, timeout.Token)) > 0)
            {
                answer.Write(buffer, 0, read);
                if (Read(answer.ToArray()).Exists(frame => frame.Type is Ping or GoAway))
                    break;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            TestContext.Out.WriteLine(e.Message);
        }
        client.Close();
        await written;
        return answer.ToArray();
    }

    // The frames, and behind them a PING that asks for a sign of life.
    private static async Task WriteAsync(Stream stream, IEnumerable<byte[]> frames)
    {
        try
        {
            await stream.WriteAsync(Opening);
            foreach (var frame in frames)
                await stream.WriteAsync(frame);
            await stream.WriteAsync(Frame(Ping, 0, 0, new byte[8]));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            TestContext.Out.WriteLine(e.Message);
        }
    }

    // A gRPC call's head: literals that are not indexed, so that no table is needed.
    private static byte[] Head(int stream, bool ends)
    {
        var block = new List<byte>();
        (string, string)[] headers =
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/souk.echo.v1.EchoService/GetThing"),
            (":authority", "x"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ];
        foreach (var (name, value) in headers)
        {
            block.Add(0);
            block.Add((byte)name.Length);
            block.AddRange(Encoding.ASCII.GetBytes(name));
            block.Add((byte)value.Length);
            block.AddRange(Encoding.ASCII.GetBytes(value));
        }
        return Frame(Headers, (byte)(EndHeaders | (ends ? EndStream : 0)), stream, [.. block]);
    }

    private static IEnumerable<byte> Types(byte[] answer) => Read(answer).Select(frame => frame.Type);
}
