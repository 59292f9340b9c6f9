using System.Text;
using Google.Protobuf;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>A request over HTTP/1.1.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="IsFramed">Whether its end is where it says, so that another can follow on the
/// connection.</param>
internal sealed record TextRequest(byte[] Bytes, bool IsFramed);

/// <summary>
/// HTTP/1.1 requests from a seed: real ones with something wrong about them, and some wholly broken.
/// </summary>
internal sealed class FuzzText(Random random)
{
    private static readonly string[] Paths =
    [
        "/api/v1/things/search",
        "/api/v1/things/thing_1",
        "/api/v1/things",
        "/api/v1/things/1:buy",
        "/api/v1/files/a/b",
        "/api/v1/shelves/shelf/1/book/2:read",
        "/api/v1/nested/n/1",
        "/api/v1/hooks",
        "/api/v1/image",
        "/api/v1/names",
        "/api/v1/watch?count=1",
        "/api/v1/pages/1",
        "/api/v1/pages",
        "/api/v1/guesses",
        "/health",
        "/openapi.json",
    ];

    private static readonly string[] Methods =
    [
        "GET",
        "GET",
        "GET",
        "POST",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "REPORT",
        "ODD",
    ];

    private static readonly string[] Pieces =
    [
        "%",
        "%00",
        "%zz",
        "%ff%fe",
        "%2F..%2F",
        "/../",
        "//",
        ":",
        "?",
        "&q=1",
        "&tags=%F0%9F%98%80",
        "&price_min=1e999",
        "&since=2026-02-30T00:00:00Z",
        "&within=1.5s",
        "&mask=a,b.c,,",
        "&inner.inner.inner.inner.inner.inner.inner.inner.inner.name=x",
        "&page_size=99999999999999999999",
        "&states=active&states=7&states=x",
        "=&=",
        "+",
        "{}",
        "*",
    ];

    private static readonly string[] Headers =
    [
        "Idempotency-Key: 0198c1d2-0000-7000-8000-000000000001",
        "Idempotency-Key: x",
        "If-Match: \"",
        "If-None-Match: ,,\"",
        "If-None-Match: *",
        "Prefer: wait=99999999999999999999",
        "Prefer: ;=,",
        "Authorization: Bearer a.b",
        "Authorization: Basic YTpi",
        "Accept: text/event-stream",
        "Accept: \u00ff",
        "Accept-Encoding: br;q=0, gzip, *;q=x",
        "Accept-Encoding: br",
        "Accept-Language: \u00e4\u00f6",
        "Accept-Language: de, en;q=0.5",
        "traceparent: 00-zz",
        "X-Request-Id: <script>",
        "X-Request-Timeout: -1",
        "X-Request-Timeout: 5",
        "X-Forwarded-For: 1.2.3.4, x",
        "Content-Encoding: gzip",
        "Content-Type: application/json; charset=utf-16",
        "Content-Type: application/merge-patch+json",
        "Content-Type: ;",
        "Cookie: a=b; =; ;;",
        "Origin: null",
        "Stripe-Signature: \u00ff\u00fe",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Range: bytes=0-1",
    ];

    private static readonly string[] Bodies =
    [
        "{}",
        "{",
        "null",
        "[]",
        "\"\"",
        "{\"quantity\":1}",
        "{\"quantity\":\"-1\"}",
        "{\"quantity\":1e400}",
        "{\"page_id\":\"1\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"price\":{\"currency\":\"USD\",\"amount\":1e999}}",
        "{\"price\":{\"currency\":\"USD\",\"amount\":12.345}}",
        "{\"thing\":{\"attributes\":{\"\":\"\"}}}",
        "{\"attributes\":{\"a\":\"b\",\"a\":\"c\"},\"tags\":[null]}",
        "{\"created_at\":\"9999-12-31T23:59:59.9999999999Z\"}",
        "{\"stock\":\"9223372036854775808\"}",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "\u0000\u00ff",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ];

    // What an answer must be read for that no other request's answer can follow.
    private static readonly string[] MethodsAlone = [.. Methods, "HEAD", "get"];
    private static readonly string[] PiecesAlone = [.. Pieces, "..", "#", "\u00e9"];
    private static readonly string[] HeadersAlone = [.. Headers, "Expect: 100-continue"];

    private readonly string[] _tokens =
    [
        .. new[] { "seller", "operator", "buyer" }.Select(role => GatewayHarness.Token(role)),
    ];

    public TextRequest Next() =>
        random.Next(20) switch
        {
            0 => new TextRequest(Broken(Rest().Bytes), false),
            1 or 2 => Web(),
            _ => Rest(),
        };

    /// <summary>A request on a connection of its own, which ends with the answer.</summary>
    public byte[] Alone() => Rest(MethodsAlone, PiecesAlone, HeadersAlone, "Connection: close\r\n");

    private TextRequest Rest() => new(Rest(Methods, Pieces, Headers, ""), IsFramed: true);

    private byte[] Rest(string[] methods, string[] pieces, string[] headers, string first)
    {
        var path = new StringBuilder(Pick(Paths));
        for (var changes = random.Next(4) - 1; changes > 0; changes--)
            path.Insert(random.Next(1, path.Length + 1), Pick(pieces));
        var head = new StringBuilder($"{Pick(methods)} {path} HTTP/1.1\r\nHost: x\r\n{first}");
        if (random.Next(2) == 0)
            head.Append($"Authorization: Bearer {Pick(_tokens)}\r\n");
        for (var count = random.Next(4); count > 0; count--)
            head.Append(Pick(headers)).Append("\r\n");
        var body = random.Next(2) == 0 ? Mutated(Encoding.Latin1.GetBytes(Pick(Bodies))) : [];
        if (body.Length > 0 || random.Next(4) == 0)
            head.Append($"Content-Length: {body.Length}\r\n");
        return [.. Encoding.Latin1.GetBytes($"{head}\r\n"), .. body];
    }

    /// <summary>gRPC-Web: messages of the contract, damaged ones, and lengths that lie.</summary>
    private TextRequest Web()
    {
        var message = new RandomMessages(random.Next()).Everything().ToByteArray();
        byte[] frame = [(byte)random.Next(2), 0, 0, 0, 0, .. message];
        var length = random.Next(4) == 0 ? random.Next() : message.Length;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), length);
        frame = random.Next(2) == 0 ? frame : Mutated(frame);
        var isText = random.Next(2) == 0;
        var body = isText ? Encoding.ASCII.GetBytes(Convert.ToBase64String(frame)) : frame;
        var rpc = Pick(["GetThing", "SearchThings", "CreateThing", "WatchThings", "Internal", "Nothing"]);
        var head = $"""
            POST /souk.echo.v1.EchoService/{rpc} HTTP/1.1
            Host: x
            Content-Type: application/grpc-web{(isText ? "-text" : "+proto")}
            X-Grpc-Web: 1
            grpc-timeout: {Pick(["5S", "1x", "99999999999S", "-1m"])}
            Content-Length: {body.Length}


            """.ReplaceLineEndings("\r\n");
        return new TextRequest([.. Encoding.ASCII.GetBytes(head), .. body], true);
    }

    private byte[] Mutated(byte[] bytes)
    {
        var all = bytes.ToList();
        for (var changes = random.Next(4); changes > 0 && all.Count > 0; changes--)
        {
            var at = random.Next(all.Count);
            switch (random.Next(3))
            {
                case 0:
                    all[at] = (byte)random.Next(256);
                    break;
                case 1:
                    all.RemoveAt(at);
                    break;
                default:
                    all.InsertRange(at, all.GetRange(0, Math.Min(all.Count, 16)));
                    break;
            }
        }
        return [.. all];
    }

    // Not the version: 505 is what HTTP asks for.
    private byte[] Broken(byte[] bytes)
    {
        var end = bytes.AsSpan().IndexOf("\r\n"u8);
        return [.. bytes.AsSpan(0, end), .. Mutated(bytes[end..])];
    }

    private T Pick<T>(T[] values) => values[random.Next(values.Length)];
}
