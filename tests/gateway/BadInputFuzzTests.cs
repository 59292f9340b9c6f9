using System.Net.Sockets;
using System.Text;

namespace Souk.Tests.Gateway;

/// <summary>
/// Whatever strangers send, the answer is theirs to fix: never a 5xx, never a hung connection.
/// </summary>
public sealed class BadInputFuzzTests
{
    private const int Requests = 3000;

    private static readonly string[] Methods =
    [
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "HEAD",
        "OPTIONS",
        "REPORT",
        "get",
        "ODD",
    ];

    private static readonly string[] Paths =
    [
        "/api/v1/things/search",
        "/api/v1/things/thing_1",
        "/api/v1/things",
        "/api/v1/things/1:buy",
        "/api/v1/files/a/b",
        "/api/v1/nested/n/1",
        "/api/v1/hooks",
        "/api/v1/image",
        "/api/v1/names",
        "/api/v1/watch?count=1",
        "/health",
    ];

    private static readonly string[] Pieces =
    [
        "%",
        "%00",
        "%zz",
        "%ff%fe",
        "%2F..%2F",
        "..",
        "//",
        ":",
        "?",
        "&q=1",
        "&inner.inner.inner.inner.inner.inner.inner.inner.inner.name=x",
        "=&=",
        "+",
        "é",
        "{}",
        "*",
        "#",
    ];

    private static readonly string[] Headers =
    [
        "Idempotency-Key: 0198c1d2-0000-7000-8000-000000000001",
        "Idempotency-Key: x",
        "If-Match: \"",
        "If-None-Match: ,,\"",
        "Prefer: wait=99999999999999999999",
        "Prefer: ;=,",
        "Authorization: Bearer a.b",
        "Accept: \u00ff",
        "Accept-Language: \u00e4\u00f6",
        "traceparent: 00-zz",
        "X-Request-Id: <script>",
        "X-Forwarded-For: 1.2.3.4, x",
        "Content-Encoding: gzip",
        "Content-Type: application/json; charset=utf-16",
        "Content-Type: ;",
        "Origin: null",
        "Expect: 100-continue",
        "Stripe-Signature: \u00ff\u00fe",
    ];

    private static readonly string[] Bodies =
    [
        "",
        "{}",
        "{",
        "null",
        "[]",
        "{\"quantity\":1}",
        "{\"quantity\":\"-1\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"price\":{\"currency\":\"USD\",\"amount\":1e999}}",
        "{\"thing\":{\"attributes\":{\"\":\"\"}}}",
        "\u0000\u00ff",
        "{\"a\":" + "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ];

    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(s =>
            s with
            {
                RatePerAddress = 1_000_000,
                RatePerUser = 1_000_000,
            }
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    public async Task Rest_AnyInput_IsNeverAnsweredWith5xx([Values(21, 22)] int seed)
    {
        var random = new Random(seed);
        var statuses = new SortedDictionary<int, int>();
        for (var count = 0; count < Requests; count++)
        {
            var request = Request(random);
            var status = await SendAsync(request);
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
            Assert.That(status, Is.LessThan(500), Encoding.Latin1.GetString(request));
        }
        TestContext.Out.WriteLine(string.Join(", ", statuses.Select(entry => $"{entry.Key}: {entry.Value}")));
        Assert.That(statuses, Contains.Key(200).And.ContainKey(400).And.ContainKey(404));
    }

    private static byte[] Request(Random random)
    {
        var path = new StringBuilder(Pick(random, Paths));
        for (var changes = random.Next(3); changes > 0; changes--)
            path.Insert(random.Next(1, path.Length + 1), Pick(random, Pieces));
        var body = Encoding.Latin1.GetBytes(Pick(random, Bodies));
        var head = new StringBuilder(
            $"{Pick(random, Methods)} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        );
        var token = GatewayHarness.Token(Pick(random, ["seller", "operator", "buyer"]));
        if (random.Next(2) == 0)
            head.Append($"Authorization: Bearer {token}\r\n");
        for (var headers = random.Next(4); headers > 0; headers--)
            head.Append(Pick(random, Headers)).Append("\r\n");
        if (body.Length > 0 || random.Next(2) == 0)
            head.Append($"Content-Length: {body.Length}\r\n");
        return [.. Encoding.Latin1.GetBytes($"{head}\r\n"), .. body];
    }

    private async Task<int> SendAsync(byte[] request)
    {
        using var client = new TcpClient();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await client.ConnectAsync("127.0.0.1", _gateway.Http.BaseAddress!.Port, timeout.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(request, timeout.Token);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        var first = await reader.ReadLineAsync(timeout.Token);
        Assert.That(first, Does.StartWith("HTTP/1.1 "), Encoding.Latin1.GetString(request));
        if (first!.StartsWith("HTTP/1.1 100", StringComparison.Ordinal))
        {
            await reader.ReadLineAsync(timeout.Token);
            first = await reader.ReadLineAsync(timeout.Token);
        }
        return int.Parse(first!.AsSpan(9, 3));
    }

    private static string Pick(Random random, string[] values) => values[random.Next(values.Length)];
}
