using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Souk.Tests.Gateway.Protos;

namespace Souk.Tests.Gateway;

/// <summary>
/// gRPC as browsers speak it: over HTTP/1.1, with trailers in the body, in bytes and as text.
/// </summary>
internal sealed class GrpcWebTests
{
    private const string Service = "/souk.echo.v1.EchoService/";
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                Origins = ["https://shop.example"],
            }
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    public async Task GetThing_ByGrpcWeb_AnswersMessageAndTrailers([Values] bool isText)
    {
        var frames = await CallAsync("GetThing", new GetThingRequest { ThingId = "t1" }, isText);

        Assert.That(Thing.Parser.ParseFrom(frames[0].Body).ThingId, Is.EqualTo("t1"));
        Assert.That(Encoding.ASCII.GetString(frames[1].Body), Is.EqualTo("grpc-status: 0\r\n"));
        Assert.That(frames.Select(frame => frame.Flag), Is.EqualTo(new[] { 0, 0x80 }));
    }

    [Test]
    public async Task WatchThings_ByGrpcWeb_StreamsAndEndsWithTheError([Values] bool isText)
    {
        var frames = await CallAsync("WatchThings", new WatchThingsRequest { Count = -2 }, isText);

        Assert.That(frames, Has.Count.EqualTo(3));
        Assert.That(
            Encoding.ASCII.GetString(frames[2].Body),
            Does.Contain("grpc-status: 10\r\n").And.Contain("no more")
        );
    }

    [Test]
    public async Task CreateThing_ByGrpcWebWithoutToken_TellsSoInTheTrailers()
    {
        var frames = await CallAsync("CreateThing", new CreateThingRequest(), false);

        Assert.That(Encoding.ASCII.GetString(frames[0].Body), Does.Contain("grpc-status: 16\r\n"));
    }

    [Test]
    public async Task GetThing_Base64InPieces_IsDecodedPieceByPiece()
    {
        // The prefix and the message were encoded one after the other, so padding comes in between.
        var message = new GetThingRequest { ThingId = "t1" }.ToByteArray();
        var prefix = new byte[] { 0, 0, 0, 0, (byte)message.Length };
        var body = Convert.ToBase64String(prefix) + Convert.ToBase64String(message);

        Assert.That(body, Does.Contain("="));
        var frames = await CallAsync("GetThing", Encoding.ASCII.GetBytes(body), "application/grpc-web-text");
        Assert.That(Thing.Parser.ParseFrom(frames[0].Body).ThingId, Is.EqualTo("t1"));
    }

    [Test]
    public async Task GetThing_LongText_IsDecodedToItsEnd()
    {
        var id = string.Concat(Enumerable.Range(0, 5000).Select(at => $"{at},"));
        var frames = await CallAsync("GetThing", new GetThingRequest { ThingId = id }, isText: true);

        Assert.That(Thing.Parser.ParseFrom(frames[0].Body).ThingId, Is.EqualTo(id));
    }

    [TestCase("====")]
    [TestCase("AAAA A")]
    [TestCase("AAA")]
    [TestCase("!!!!!!!!")]
    [TestCase("    ")]
    public async Task GetThing_NotBase64_IsRefused(string body)
    {
        var frames = await CallAsync("GetThing", Encoding.ASCII.GetBytes(body), "application/grpc-web-text");

        Assert.That(Encoding.ASCII.GetString(frames[0].Body), Does.Contain("grpc-status: 3\r\n"));
    }

    [TestCase(new byte[] { })]
    [TestCase(new byte[] { 0, 0, 0 })]
    [TestCase(new byte[] { 0, 0, 0, 0, 9, 1 })]
    [TestCase(new byte[] { 0, 0, 0, 0, 0, 7, 7 })]
    [TestCase(new byte[] { 7, 0, 0, 0, 0 })]
    public async Task GetThing_NoSingleMessage_IsRefused(byte[] body)
    {
        var frames = await CallAsync("GetThing", body, "application/grpc-web+proto");

        Assert.That(Encoding.ASCII.GetString(frames[0].Body), Does.Contain("grpc-status: 3\r\n"));
    }

    [Test]
    public async Task GetThing_AsNativeGrpcOverHttp11_AsksForHttp2()
    {
        using var request = Request("GetThing", [0, 0, 0, 0, 0], "application/grpc");
        using var response = await _gateway.Http.SendAsync(request);

        Assert.That((int)response.StatusCode, Is.EqualTo(426));
    }

    [Test]
    public async Task GetThing_PreflightOfABrowser_MayPost()
    {
        var answer = await _gateway.SendAsync(
            "OPTIONS",
            $"{Service}GetThing",
            null,
            ("Origin", "https://shop.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "x-grpc-web,content-type")
        );

        Assert.Multiple(() =>
        {
            Assert.That(answer.Status, Is.EqualTo(204));
            Assert.That(answer.Header("Access-Control-Allow-Methods"), Is.EqualTo("POST"));
            Assert.That(answer.Header("Access-Control-Allow-Headers"), Does.Contain("X-Grpc-Web"));
            Assert.That(answer.Header("Access-Control-Expose-Headers"), Does.Contain("grpc-status"));
        });
    }

    [Test]
    public async Task Health_ByGrpcWeb_Serves()
    {
        using var request = Request("", [0, 0, 0, 0, 0], "application/grpc-web+proto");
        request.RequestUri = new Uri("/grpc.health.v1.Health/Check", UriKind.Relative);
        using var response = await _gateway.Http.SendAsync(request);
        var frames = Frames(await response.Content.ReadAsByteArrayAsync());

        Assert.That(frames[0].Body, Is.EqualTo(new byte[] { 1 << 3, 1 }));
    }

    private Task<List<(int Flag, byte[] Body)>> CallAsync(string method, IMessage message, bool isText)
    {
        var bytes = message.ToByteArray();
        var frame = new byte[bytes.Length + 5];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)bytes.Length);
        bytes.CopyTo(frame, 5);
        return isText
            ? CallAsync(
                method,
                Encoding.ASCII.GetBytes(Convert.ToBase64String(frame)),
                "application/grpc-web-text"
            )
            : CallAsync(method, frame, "application/grpc-web+proto");
    }

    private async Task<List<(int Flag, byte[] Body)>> CallAsync(string method, byte[] body, string type)
    {
        using var request = Request(method, body, type);
        using var response = await _gateway.Http.SendAsync(request);
        var answer = await response.Content.ReadAsByteArrayAsync();
        Assert.That((int)response.StatusCode, Is.EqualTo(200));
        Assert.That(response.Content.Headers.ContentType!.MediaType, Does.StartWith(type.Split('+')[0]));
        return Frames(type.Contains("text") ? Decode(answer) : answer);
    }

    private static HttpRequestMessage Request(string method, byte[] body, string type) =>
        new(HttpMethod.Post, Service + method)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new(type) } },
            Headers = { { "X-Grpc-Web", "1" } },
        };

    // Each write is padded by itself, so groups of four are decoded one by one.
    private static byte[] Decode(byte[] text) =>
        [
            .. Encoding
                .ASCII.GetString(text)
                .Chunk(4)
                .SelectMany(group => Convert.FromBase64CharArray(group, 0, 4)),
        ];

    private static List<(int Flag, byte[] Body)> Frames(byte[] bytes)
    {
        var frames = new List<(int, byte[])>();
        for (var at = 0; at < bytes.Length; )
        {
            var length = (int)BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + 1));
            frames.Add((bytes[at], bytes[(at + 5)..(at + 5 + length)]));
            at += 5 + length;
        }
        return frames;
    }
}
