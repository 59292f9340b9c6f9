using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Souk.Gateway.Load;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>Streams over WebSocket (K31), by the client of .NET.</summary>
[Description("K31")]
internal sealed class SocketTests
{
    private const string Subprotocol = "souk.json.v1";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly HttpMessageInvoker _http2 = new(new SocketsHttpHandler());
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(
            settings => settings with { BodyBytesMax = 64 * 1024, Origins = ["https://shop.example"] },
            _clock
        );

    [OneTimeTearDown]
    public async Task Stop()
    {
        _http2.Dispose();
        await _gateway.DisposeAsync();
    }

    [Test]
    public async Task WatchThings_BySocket_SendsEachMessageAndClosesWell(
        [Values("1.1", "2.0")] string version
    )
    {
        using var socket = await ConnectAsync("watch?count=2", version: version);

        Assert.That(await NamesAsync(socket), Is.EqualTo(new[] { "thing 0", "thing 1" }));
        Assert.That(
            (socket.CloseStatus, socket.SubProtocol),
            Is.EqualTo((WebSocketCloseStatus.NormalClosure, Subprotocol))
        );
    }

    [Test]
    public async Task WatchThings_FailsBySocket_TellsProblemAndCode()
    {
        using var socket = await ConnectAsync("watch?count=-1");
        await ReadAsync(socket);
        var error = JsonNode.Parse((await ReadAsync(socket))!)!["error"]!;
        var end = await ReadAsync(socket);

        Assert.Multiple(() =>
        {
            Assert.That(((string?)error["reason"], (int?)error["status"]), Is.EqualTo(("GONE", 409)));
            Assert.That(end, Is.Null);
            Assert.That((int?)socket.CloseStatus, Is.EqualTo(4010));
            Assert.That(socket.CloseStatusDescription, Is.EqualTo("GONE"));
        });
    }

    [Test]
    public async Task WatchThings_SocketComesBack_ContinuesBehindItsPosition()
    {
        using var socket = await ConnectAsync("watch?count=3&after=2");

        Assert.That(await NamesAsync(socket), Is.EqualTo(new[] { "thing 2" }));
    }

    [Test]
    public async Task TalkThings_SocketComesBack_TellsEachMessageWhereItWas()
    {
        using var socket = await ConnectAsync("talk", "buyer", lastEvent: "41");
        await SendAsync(socket, """{"name":"a"}""");

        Assert.That((int?)JsonNode.Parse((await ReadAsync(socket))!)!["sequence"], Is.EqualTo(41));
    }

    // By hand: .NET's client answers pings without a word.
    [Test]
    public async Task WatchThings_NothingToSay_PingsAndCutsOffWhoDoesNotAnswer()
    {
        await using var gateway = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                Heartbeat = TimeSpan.FromMilliseconds(200),
            }
        );
        using var timeout = new CancellationTokenSource(Patience);
        // On a machine that stalls it may be cut off before it was told anything.
        List<int> opcodes;
        do opcodes = await OpcodesUntilCutOffAsync(gateway.Origin.Port, timeout.Token);
        while (!opcodes.Contains(1));

        Assert.That(opcodes, Does.Contain(9));
    }

    /// <summary>What a client gets that never answers.</summary>
    private static async Task<List<int>> OpcodesUntilCutOffAsync(int port, CancellationToken token)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, token);
        var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                "GET /api/v1/watch?count=1&hold=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                    + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            ),
            token
        );
        var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all, token);
        }
        catch (IOException)
        {
            // Cut off with a reset.
        }
        return OpcodesOf(all.ToArray());
    }

    [Test]
    public async Task WatchThings_ClientTalks_IsRefused()
    {
        using var socket = await ConnectAsync("watch?count=1&hold=true");
        await ReadAsync(socket);
        await SendAsync(socket, "{}");

        Assert.That(await EndingAsync(socket), Is.EqualTo((4003, "INVALID_FIELD")));
    }

    [Test]
    public async Task TalkThings_BySocket_AnswersEachMessage()
    {
        using var socket = await ConnectAsync("talk?thing_id=t7", "buyer");
        foreach (var name in new[] { "a", "b" })
        {
            await SendAsync(socket, $$"""{"name":"{{name}}"}""");
            var thing = JsonNode.Parse((await ReadAsync(socket))!)!;
            Assert.That(((string?)thing["name"], (string?)thing["thing_id"]), Is.EqualTo(($"{name}!", "t7")));
        }
        await SendAsync(socket, "");

        Assert.That(await ReadAsync(socket), Is.Null);
        Assert.That(socket.CloseStatus, Is.EqualTo(WebSocketCloseStatus.NormalClosure));
    }

    [Test]
    public async Task CollectThings_BySocket_AnswersOnceAtTheEnd()
    {
        using var socket = await ConnectAsync("collect");
        for (var at = 0; at < 50; at++)
            await SendAsync(socket, "{}");
        await SendAsync(socket, "");

        Assert.That((int?)JsonNode.Parse((await ReadAsync(socket))!)!["total"], Is.EqualTo(50));
        Assert.That(await ReadAsync(socket), Is.Null);
    }

    [TestCase("{", 4003, "MALFORMED_JSON")]
    [TestCase("""{"nobody":1}""", 4003, "UNKNOWN_FIELD")]
    [TestCase("""{"name":"bad"}""", 4009, "BAD_THING")]
    public async Task TalkThings_WrongMessage_EndsWithTheProblem(string text, int code, string reason)
    {
        using var socket = await ConnectAsync("talk", "buyer");
        await SendAsync(socket, text);

        Assert.That(await EndingAsync(socket), Is.EqualTo((code, reason)));
    }

    [Test]
    public async Task TalkThings_BinaryFrame_IsRefused()
    {
        using var socket = await ConnectAsync("talk", "buyer");
        await socket.SendAsync(new byte[] { 1 }, WebSocketMessageType.Binary, true, CancellationToken.None);

        Assert.That(await EndingAsync(socket), Is.EqualTo((4003, "UNSUPPORTED_MEDIA_TYPE")));
    }

    [Test]
    public async Task TalkThings_MessageTooLarge_IsRefused()
    {
        using var socket = await ConnectAsync("talk", "buyer");
        await SendAsync(socket, $$"""{"name":"{{new string('x', 70_000)}}"}""");

        Assert.That(await EndingAsync(socket), Is.EqualTo((4008, "TOO_LARGE")));
    }

    [TestCase(null, null, 401)]
    [TestCase("buyer", "https://evil.example", 403)]
    [TestCase("buyer", "https://shop.example", 101)]
    public async Task TalkThings_Handshake_ChecksTokenAndOrigin(string? role, string? origin, int status)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.AddSubProtocol(Subprotocol);
        if (role is not null)
            socket.Options.AddSubProtocol($"bearer.{GatewayHarness.Token(role)}");
        if (origin is not null)
            socket.Options.SetRequestHeader("Origin", origin);
        try
        {
            await socket.ConnectAsync(Address("talk"), CancellationToken.None);
        }
        catch (WebSocketException) when (status != 101) { }

        Assert.That((int)socket.HttpStatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task WatchThings_PageOfAnotherOrigin_IsToldWhy()
    {
        var answer = await _gateway.SendAsync(
            "GET",
            "/api/v1/watch?count=1",
            null,
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ("Origin", "https://evil.example")
        );

        Assert.That(answer.Problem, Is.EqualTo((403, "PERMISSION_DENIED", "ORIGIN_NOT_ALLOWED")));
    }

    [Test]
    public async Task WatchThings_ClientLeaves_EndsTheCall()
    {
        using var socket = await ConnectAsync("watch?count=1&hold=true");
        await ReadAsync(socket);
        using var timeout = new CancellationTokenSource(Patience);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", timeout.Token);

        Assert.That(socket.State, Is.EqualTo(WebSocketState.Closed));
    }

    [Test]
    public async Task WatchThings_ReaderTakesNothing_IsCutOff()
    {
        using var socket = await ConnectAsync("watch?count=2000&padding=50000");
        await _gateway.Echo.UntilHeldUpAsync();
        // Far below the hour that a stream may last. On a machine that stalls the gateway's own write may
        // begin only now: then its time begins now.
        for (var tries = 0; _gateway.Part<LoadGate>().Of("echo").Streams > 0 && tries < 60; tries++)
        {
            _clock.Advance(TimeSpan.FromSeconds(31));
            await Task.Delay(500);
        }

        await Assert.ThatAsync(() => NamesAsync(socket), Throws.InstanceOf<WebSocketException>());
    }

    [Test]
    public async Task GetThing_BySocket_IsAnOrdinaryRequest()
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThatAsync(
            () => socket.ConnectAsync(Address("things/t1"), CancellationToken.None),
            Throws.InstanceOf<WebSocketException>()
        );

        Assert.That(socket.HttpStatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private Uri Address(string path) => new($"ws://127.0.0.1:{_gateway.Origin.Port}/api/v1/{path}");

    /// <summary>What kinds of frames follow the handshake: 1 is text, 8 the end, 9 a ping.</summary>
    private static List<int> OpcodesOf(ReadOnlySpan<byte> answer)
    {
        var opcodes = new List<int>();
        for (var at = answer.IndexOf("\r\n\r\n"u8) + 4; at + 2 <= answer.Length; )
        {
            opcodes.Add(answer[at] & 0x0f);
            var length = (int)answer[at + 1];
            at += length == 126 ? 4 + BinaryPrimitives.ReadUInt16BigEndian(answer[(at + 2)..]) : 2 + length;
        }
        return opcodes;
    }

    private async Task<ClientWebSocket> ConnectAsync(
        string path,
        string? role = null,
        string version = "1.1",
        string? lastEvent = null
    )
    {
        using var timeout = new CancellationTokenSource(Patience);
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(Subprotocol);
        socket.Options.HttpVersion = Version.Parse(version);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        if (role is not null)
            socket.Options.SetRequestHeader("Authorization", $"Bearer {GatewayHarness.Token(role)}");
        if (lastEvent is not null)
            socket.Options.SetRequestHeader("Last-Event-ID", lastEvent);
        await socket.ConnectAsync(Address(path), version == "1.1" ? null : _http2, timeout.Token);
        return socket;
    }

    private static Task SendAsync(ClientWebSocket socket, string text) =>
        socket.SendAsync(
            Encoding.UTF8.GetBytes(text),
            WebSocketMessageType.Text,
            true,
            CancellationToken.None
        );

    /// <summary>The next message; null when the gateway says goodbye, which is answered.</summary>
    private static async Task<string?> ReadAsync(ClientWebSocket socket)
    {
        using var timeout = new CancellationTokenSource(Patience);
        var text = new MemoryStream();
        var buffer = new byte[8192];
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer, timeout.Token);
            if (read.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", timeout.Token);
                return null;
            }
            text.Write(buffer, 0, read.Count);
            if (read.EndOfMessage)
                return Encoding.UTF8.GetString(text.ToArray());
        }
    }

    private static async Task<List<string?>> NamesAsync(ClientWebSocket socket)
    {
        var names = new List<string?>();
        while (await ReadAsync(socket) is { } text)
            names.Add((string?)JsonNode.Parse(text)!["name"]);
        return names;
    }

    private static async Task<(int?, string?)> EndingAsync(ClientWebSocket socket)
    {
        while (await ReadAsync(socket) is { }) { }
        return ((int?)socket.CloseStatus, socket.CloseStatusDescription);
    }
}
