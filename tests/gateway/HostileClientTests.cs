using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Souk.Shared;
using Souk.Tests.Gateway.Protos;
using static Souk.Tests.Gateway.Http2Frames;

namespace Souk.Tests.Gateway;

/// <summary>
/// Clients that mean harm, over bare sockets: each is cut off, and everybody else is served meanwhile.
/// </summary>
public sealed class HostileClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(s =>
            s.WithoutRates() with
            {
                HeadersTimeout = TimeSpan.FromSeconds(2),
                // Kestrel counts a slow body's time in ticks of its own, which stretch in a stall.
                Deadline = TimeSpan.FromMinutes(2),
            }
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [TearDown]
    public async Task Everybody_Else_IsServed() =>
        Assert.That((await _gateway.SendAsync("GET", "/api/v1/names")).Status, Is.EqualTo(200));

    [Test]
    public async Task Headers_SentSlowly_AreNotWaitedFor()
    {
        using var socket = await ConnectAsync();
        await SendAsync(socket, "GET /api/v1/names HTTP/1.1\r\nHost: x\r\n");
        var answer = ReadAsync(socket);
        // A header now and then, for ever.
        while (!answer.IsCompleted)
        {
            await Task.Delay(100);
            if (!await TrySendAsync(socket, "X-Slow: 1\r\n"))
                break;
        }
        Assert.That(await answer, Does.StartWith("HTTP/1.1 408").Or.Empty);
    }

    [Test]
    public async Task Body_SentSlowly_IsNotWaitedFor()
    {
        using var socket = await ConnectAsync();
        await SendAsync(
            socket,
            "POST /api/v1/guesses HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
        );
        var answer = ReadAsync(socket);
        while (!answer.IsCompleted)
        {
            await Task.Delay(100);
            if (!await TrySendAsync(socket, " "))
                break;
        }
        Assert.That(await answer, Does.StartWith("HTTP/1.1 4").Or.Empty);
    }

    [Test]
    public async Task Connection_ThatSaysNothing_IsClosed()
    {
        using var socket = await ConnectAsync();
        await SendAsync(socket, "P");
        Assert.That(await ReadAsync(socket), Does.StartWith("HTTP/1.1 408").Or.Empty);
    }

    [TestCase(200, 10, 431)]
    [TestCase(1, 40_000, 431)]
    public async Task Headers_ManyOrLong_AreRefused(int count, int chars, int status)
    {
        var headers = string.Concat(
            Enumerable.Range(0, count).Select(at => $"X-{at}: {new string('a', chars)}\r\n")
        );
        Assert.That(
            await TellAsync($"GET /api/v1/names HTTP/1.1\r\nHost: x\r\n{headers}\r\n"),
            Does.StartWith($"HTTP/1.1 {status}")
        );
    }

    [Test]
    public async Task RequestLine_Long_IsRefused() =>
        Assert.That(
            await TellAsync($"GET /{new string('a', 20_000)} HTTP/1.1\r\nHost: x\r\n\r\n"),
            Does.StartWith("HTTP/1.1 414")
        );

    // A thousand bytes that unpack to a million: nobody unpacks them.
    [TestCase("gzip")]
    [TestCase("br")]
    [TestCase("deflate, gzip")]
    public async Task Body_Compressed_IsRefusedUnread(string encoding)
    {
        var answer = await TellAsync(
            "POST /api/v1/guesses HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + $"Content-Encoding: {encoding}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbomb"
        );
        Assert.That(answer, Does.StartWith("HTTP/1.1 415").And.Contain("UNSUPPORTED_MEDIA_TYPE"));
    }

    [Test]
    public async Task Body_Deep_IsRefusedAtItsDepth()
    {
        var body = string.Concat(Enumerable.Repeat("{\"inner\":", 5000));
        var answer = await TellAsync(
            "POST /api/v1/guesses HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"
        );
        Assert.That(answer, Does.StartWith("HTTP/1.1 400"));
    }

    [TestCase("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")]
    [TestCase("Content-Length: 5\r\nContent-Length: 6\r\n")]
    [TestCase("Transfer-Encoding: chunked, identity\r\n")]
    [TestCase("Transfer-Encoding : chunked\r\n")]
    public async Task Framing_ThatCanBeReadTwoWays_IsRefused(string headers)
    {
        var answer = await TellAsync(
            $"POST /api/v1/guesses HTTP/1.1\r\nHost: x\r\n{headers}\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        );
        // Where HTTP says which of two lengths counts, the connection is closed all the same.
        Assert.That(answer, Does.StartWith("HTTP/1.1 4").Or.Contain("\r\nConnection: close\r\n"));
        Assert.That(answer, Does.Not.Contain("{\"status\":\"ok\"}"), "no second request hides in the first");
    }

    // What HTTP/2 cannot carry to the service must not look as if the service did not answer.
    [Test]
    public async Task GrpcEncoding_NoNameOfAny_IsRefusedAndNotTheServicesFault()
    {
        for (var call = 0; call <= Circuit.FailuresMax; call++)
        {
            var answer = await TellAsync(
                "POST /souk.echo.v1.EchoService/GetThing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    + "Content-Type: application/grpc-web\r\nContent-Length: 5\r\n"
                    + "grpc-encoding: \u00c3\u00a9\r\n\r\n"
                    + "\0\0\0\0\0"
            );
            Assert.That(answer, Does.Contain("grpc-status: 3\r\n"));
        }
        Assert.That((await _gateway.Grpc.GetThingAsync(new GetThingRequest())).Etag, Is.EqualTo("v1"));
    }

    // CVE-2023-44487: streams that are opened and reset at once cost the server work and the client none.
    [Test]
    public async Task Streams_ResetAtOnce_EndTheConnection()
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Opening);
        var answer = ReadBytesAsync(socket);
        // :method GET, :scheme http, :path /, :authority x
        byte[] head = [0x82, 0x86, 0x84, 0x41, 0x01, (byte)'x'];
        byte[] cancel = [0, 0, 0, 8];
        // Many in each packet: the server reads on faster than it can serve, whatever else the machine does.
        const int packets = 400;
        const int streamsEach = 500;
        for (var packet = 0; packet < packets && !answer.IsCompleted; packet++)
        {
            var streams = Enumerable.Range(packet * streamsEach, streamsEach).Select(at => (at * 2) + 1);
            byte[] burst =
            [
                .. streams.SelectMany(stream =>
                    Frame(Headers, EndStream | EndHeaders, stream, head)
                        .Concat(Frame(Reset, 0, stream, cancel))
                ),
            ];
            if (!await TrySendAsync(socket, burst))
                break;
        }
        // We stop sending and keep the connection open: that it ends is the server's doing. What it said
        // last, ENHANCE_YOUR_CALM, may be lost on a socket that we went on writing to.
        await answer;
    }

    [Test]
    public async Task Continuation_WithoutEnd_EndsTheConnection()
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Opening);
        var answer = ReadBytesAsync(socket);
        await TrySendAsync(socket, Frame(Headers, EndStream, 1, [0x82, 0x86, 0x84, 0x41, 0x01, (byte)'x']));
        // Literal headers that are not indexed: "a: aaa…".
        byte[] header = [0x00, 0x01, (byte)'a', 0x7f, 0x81, 0x01, .. Enumerable.Repeat((byte)'a', 256)];
        for (var sent = 0; sent < 20_000 && !answer.IsCompleted; sent++)
        {
            if (!await TrySendAsync(socket, Frame(Continuation, 0, 1, header)))
                break;
        }
        var frames = Read(await answer);
        Assert.That(
            frames.Select(frame => frame.Type),
            Has.Some.EqualTo(GoAway).Or.Some.EqualTo(Reset).Or.Empty
        );
    }

    private async Task<string> TellAsync(string request)
    {
        using var socket = await ConnectAsync();
        var answer = ReadAsync(socket);
        await TrySendAsync(socket, request);
        return await answer;
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_gateway.Origin.Host, _gateway.Origin.Port);
        return socket;
    }

    private static async Task SendAsync(Socket socket, string text) =>
        await socket.SendAsync(Encoding.Latin1.GetBytes(text));

    private static Task<bool> TrySendAsync(Socket socket, string text) =>
        TrySendAsync(socket, Encoding.Latin1.GetBytes(text));

    private static async Task<bool> TrySendAsync(Socket socket, byte[] bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<string> ReadAsync(Socket socket) =>
        Encoding.Latin1.GetString(await ReadBytesAsync(socket));

    /// <summary>All until the server closes, which it has to.</summary>
    private static async Task<byte[]> ReadBytesAsync(Socket socket)
    {
        var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer, patience.Token)) > 0)
                all.Write(buffer, 0, read);
        }
        catch (SocketException e)
        {
            Debug.Assert(e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown);
        }
        return all.ToArray();
    }
}
