using System.Text;
using System.Text.Json.Nodes;
using Grpc.Health.V1;
using Souk.Gateway;

namespace Souk.Tests.Gateway;

/// <summary>Over real HTTP to a real gRPC service and back.</summary>
public sealed class RestTests
{
    private const string Key = "0198c1d2-0000-7000-8000-000000000001";
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                Deadline = new GatewaySettings().Deadline,
            }
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    [Description("V13")]
    public async Task GetThing_ById_AnswersJson()
    {
        var answer = await _gateway.SendAsync("GET", "/api/v1/things/thing_1%2F2%20%C3%BC");
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        Assert.That((string?)answer.Json["thing_id"], Is.EqualTo("thing_1/2 ü"));
        Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json; charset=utf-8"));
        Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
    }

    [Test]
    public async Task GetThing_Call_CarriesTargetDeadlineTraceAndIdentity()
    {
        const string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var answer = await _gateway.SendAsAsync(
            "buyer",
            "GET",
            "/api/v1/things/1",
            null,
            ("traceparent", parent),
            ("X-Request-Id", "req-1"),
            ("Accept-Language", "de")
        );
        var metadata = answer.Json["metadata"]!;
        Assert.That((string?)metadata["dapr-app-id"], Is.EqualTo("echo"));
        Assert.That((string?)metadata["deadline-seconds"], Is.EqualTo("10"));
        Assert.That((string?)metadata["traceparent"], Does.StartWith("00-0af7651916cd43dd8448eb211c80319c-"));
        Assert.That((string?)metadata["x-request-id"], Is.EqualTo("req-1"));
        Assert.That((string?)metadata["accept-language"], Is.EqualTo("de"));
        Assert.That((string?)metadata["authorization"], Does.StartWith("Bearer "));
        Assert.That((string?)metadata["x-forwarded-for"], Is.EqualTo("127.0.0.1"));
        Assert.That(answer.Header("X-Request-Id"), Is.EqualTo("req-1"));
    }

    [Test]
    public async Task SearchThings_QueryParameters_FillNestedAndRepeatedFields()
    {
        var answer = await _gateway.SendAsync(
            "GET",
            "/api/v1/things/search?q=red+shoes%21&page_size=5&tags=a&tags=b&states=active&states=SOLD_OUT"
                + "&price_min=9.50&since=2026-08-01&inner.inner.name=deep&inner.count=3"
                + "&inStock=false&within=1.5s&mask=name,priceMin"
        );
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        var request = answer.Json["request"]!;
        Assert.That((string?)request["q"], Is.EqualTo("red shoes!"));
        Assert.That((int)request["page_size"]!, Is.EqualTo(5));
        Assert.That(request["tags"]!.ToJsonString(), Is.EqualTo("""["a","b"]"""));
        Assert.That(request["states"]!.ToJsonString(), Is.EqualTo("""["active","sold_out"]"""));
        Assert.That((string?)request["since"], Is.EqualTo("2026-08-01T00:00:00Z"));
        Assert.That((string?)request["inner"]!["inner"]!["name"], Is.EqualTo("deep"));
        Assert.That((int)request["inner"]!["count"]!, Is.EqualTo(3));
        Assert.That((bool)request["in_stock"]!, Is.False);
        Assert.That((string?)request["within"], Is.EqualTo("1.500s"));
        Assert.That((string?)request["mask"], Is.EqualTo("name,price_min"));
        Assert.That(answer.Json["things"]!.ToJsonString(), Is.EqualTo("[]"));
    }

    [TestCase("?nothing=1", "UNKNOWN_FIELD", "nothing")]
    [TestCase("?inner.nothing=1", "UNKNOWN_FIELD", "inner.nothing")]
    [TestCase("?inner=1", "INVALID_FIELD", "inner")]
    [TestCase("?page_size=x", "INVALID_FIELD", "page_size")]
    [TestCase("?page_size=1&page_size=2", "INVALID_FIELD", "page_size")]
    [TestCase("?states=mauve", "INVALID_FIELD", "states")]
    [TestCase("?since=yesterday", "INVALID_FIELD", "since")]
    [TestCase("?price_min=free", "INVALID_FIELD", "price_min")]
    [TestCase("?in_stock=1", "INVALID_FIELD", "in_stock")]
    [TestCase("?q=%00", "INVALID_FIELD", "q")]
    public async Task SearchThings_BadQuery_NamesTheParameter(string query, string reason, string field)
    {
        var answer = await _gateway.SendAsync("GET", $"/api/v1/things/search{query}");
        Assert.That(answer.Problem, Is.EqualTo((400, "INVALID_ARGUMENT", reason)));
        Assert.That((string?)answer.Json["violations"]![0]!["field"], Is.EqualTo(field));
    }

    [Test]
    public async Task CreateThing_FieldBody_IsTheResource()
    {
        const string body = """
            {"name":"Shoe","price":{"currency":"USD","amount":999.99},"unit_price":5.5,"state":"active",
             "tags":["a"],"attributes":{"colour":"red"},"created_at":"2026-08-01T00:00:00Z"}
            """;
        var answer = await _gateway.SendAsAsync(
            "seller",
            "POST",
            "/api/v1/things",
            body,
            ("Idempotency-Key", Key)
        );
        Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
        Assert.That(
            answer.Json["price"]!.ToJsonString(),
            Is.EqualTo("""{"currency":"USD","amount":999.99}""")
        );
        Assert.That((string?)answer.Json["request_id"], Is.EqualTo(Key));
        Assert.That((string?)answer.Json["attributes"]!["colour"], Is.EqualTo("red"));
        Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("not-a-uuid")]
    [Description("X-09")]
    public async Task CreateThing_WithoutIdempotencyKey_IsRefused(string? key)
    {
        (string, string)[] headers = key is null ? [] : [("Idempotency-Key", key)];
        var answer = await _gateway.SendAsAsync("seller", "POST", "/api/v1/things", "{}", headers);
        Assert.That(answer.Problem, Is.EqualTo((400, "INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REQUIRED")));
    }

    [Test]
    public async Task CreateThing_RequestIdInBody_IsUnknownThere()
    {
        var answer = await _gateway.SendAsAsync(
            "operator",
            "POST",
            "/api/v1/things/1:buy",
            $$"""{"request_id":"{{Key}}"}"""
        );
        Assert.That(answer.Problem, Is.EqualTo((400, "INVALID_ARGUMENT", "UNKNOWN_FIELD")));
        Assert.That((string?)answer.Json["violations"]![0]!["description"], Does.Contain("Idempotency-Key"));
    }

    [TestCase("\"v7\"", "v7")]
    [TestCase("W/\"v7\"", "v7")]
    [TestCase("v7", "v7")]
    [TestCase("*", "")]
    public async Task PatchThing_IfMatch_FillsTheEtag(string header, string etag)
    {
        var answer = await _gateway.SendAsAsync(
            "buyer",
            "PATCH",
            "/api/v1/things/t1?update_mask=name",
            """{"name":"x"}""",
            ("If-Match", header)
        );
        Assert.That((string?)answer.Json["metadata"]!["if-match"], Is.EqualTo(etag), answer.Body);
        Assert.That((string?)answer.Json["metadata"]!["mask"], Is.EqualTo("name"));
        Assert.That((string?)answer.Json["thing_id"], Is.EqualTo("t1"));
    }

    [Test]
    public async Task PatchThing_AdditionalBinding_TakesTheWholeBodyAndThePathWins()
    {
        const string body = """{"thing_id":"other","thing":{"name":"x"},"update_mask":"name"}""";
        var answer = await _gateway.SendAsAsync("buyer", "PUT", "/api/v1/things/t1", body);
        Assert.That((string?)answer.Json["thing_id"], Is.EqualTo("t1"), answer.Body);
        Assert.That((string?)answer.Json["name"], Is.EqualTo("x"));
    }

    [Test]
    public async Task PatchThing_CustomVerb_IsRouted()
    {
        var answer = await _gateway.SendAsAsync("buyer", "REPORT", "/api/v1/things/t1?thing.name=x", null);
        Assert.That((string?)answer.Json["thing_id"], Is.EqualTo("t1"), answer.Body);
        Assert.That((string?)answer.Json["name"], Is.EqualTo("x"));
    }

    [TestCase("wait=5", 5, "15")]
    [TestCase("respond-async, wait=7; foo", 7, "17")]
    [TestCase("wait=100000", 30, "40")]
    [TestCase("wait=-1", 0, "10")]
    [TestCase("wait=x", 0, "10")]
    [TestCase("return=minimal", 0, "10")]
    public async Task BuyThing_PreferWait_IsClampedAndExtendsTheDeadline(
        string prefer,
        int seconds,
        string deadline
    )
    {
        var answer = await _gateway.SendAsAsync(
            "operator",
            "POST",
            "/api/v1/things/1:buy",
            """{"quantity":2}""",
            ("Prefer", prefer)
        );
        Assert.That((int)answer.Json["rank"]!, Is.EqualTo(seconds), answer.Body);
        Assert.That((string?)answer.Json["metadata"]!["deadline-seconds"], Is.EqualTo(deadline));
        Assert.That(answer.Header("Preference-Applied"), Is.EqualTo(seconds > 0 ? $"wait={seconds}" : ""));
    }

    [TestCase("/api/v1/files/a/b%2Fc/d%20e", "a/b%2Fc/d e")]
    [TestCase("/api/v1/files/", "")]
    [TestCase("/api/v1/shelves/shelf/1/book/2:read", "shelf/1/book/2")]
    public async Task GetPath_SeveralSegments_AreOneText(string path, string expected)
    {
        var answer = await _gateway.SendAsync("GET", path);
        Assert.That((string?)answer.Json["path"], Is.EqualTo(expected), answer.Body);
    }

    [Test]
    public async Task GetPath_NestedVariables_FillTheInnerMessage()
    {
        var answer = await _gateway.SendAsync("GET", "/api/v1/nested/n1/42");
        Assert.That(answer.Json["inner"]!.ToJsonString(), Is.EqualTo("""{"name":"n1","count":42}"""));
    }

    [TestCase("GET", "/api/v1/things/1", null, 200)]
    [TestCase("GET", "/api/v1/things/1", "\"v1\"", 304)]
    [TestCase("GET", "/api/v1/nothing", null, 404)]
    [TestCase("DELETE", "/api/v1/names", null, 405)]
    [TestCase("POST", "/api/v1/things", null, 401)]
    [TestCase("OPTIONS", "/api/v1/things", null, 204)]
    [TestCase("GET", "/api/v1/watch?count=1", null, 200)]
    [TestCase("GET", "/api/v1/export?count=1", null, 200)]
    [TestCase("GET", "/health", null, 200)]
    public async Task Rest_AnyAnswer_HasTheSecurityHeaders(string verb, string path, string? tag, int status)
    {
        var answer = await _gateway.SendAsync(verb, path, null, tag is null ? [] : [("If-None-Match", tag)]);
        Assert.Multiple(() =>
        {
            Assert.That(answer.Status, Is.EqualTo(status));
            Assert.That(answer.Header("X-Content-Type-Options"), Is.EqualTo("nosniff"));
            Assert.That(
                answer.Header("Content-Security-Policy"),
                Is.EqualTo("default-src 'none'; frame-ancestors 'none'")
            );
            Assert.That(answer.Header("Referrer-Policy"), Is.EqualTo("no-referrer"));
            Assert.That(answer.Header("Server"), Is.Empty, "nobody learns what serves");
        });
    }

    [Test]
    public async Task ListNames_ResponseBody_IsTheFieldAlone() =>
        Assert.That((await _gateway.SendAsync("GET", "/api/v1/names")).Body, Is.EqualTo("""["a","b"]"""));

    [Test]
    public async Task GetImage_HttpBody_IsSentAsItIs()
    {
        using var response = await _gateway.Http.GetAsync("/api/v1/image");
        Assert.That(response.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
        Assert.That(
            await response.Content.ReadAsByteArrayAsync(),
            Is.EqualTo(new byte[] { 0x89, 0x50, 0x4e, 0x47 })
        );
    }

    [Test]
    public async Task PostHook_RawBody_ArrivesByteForByteWithItsHeader()
    {
        var answer = await _gateway.SendAsync(
            "POST",
            "/api/v1/hooks",
            "{ \"raw\" :1}",
            ("Stripe-Signature", "t=1,v1=abc"),
            ("Content-Type", "text/weird")
        );
        var raw = Convert.ToBase64String(Encoding.UTF8.GetBytes("{ \"raw\" :1}"));
        Assert.That((string?)answer.Json["detail"], Is.EqualTo($"t=1,v1=abc|text/weird|{raw}"), answer.Body);
        answer = await _gateway.SendAsync("POST", "/api/v1/hooks", "{}");
        Assert.That(answer.Problem, Is.EqualTo((400, "INVALID_ARGUMENT", "FIELD_REQUIRED")));
    }

    [Test]
    public async Task GetThing_IfNoneMatch_Answers304WithoutBody()
    {
        var first = await _gateway.SendAsync("GET", "/api/v1/things/1");
        Assert.That(first.Header("ETag"), Is.EqualTo("\"v1\""));
        Assert.That(first.Header("Cache-Control"), Is.EqualTo("public, max-age=5"));
        foreach (var tag in new[] { "\"v1\"", "\"v0\", W/\"v1\"", "*" })
        {
            var again = await _gateway.SendAsync("GET", "/api/v1/things/1", null, ("If-None-Match", tag));
            Assert.That((again.Status, again.Body), Is.EqualTo((304, "")));
        }
        var other = await _gateway.SendAsync("GET", "/api/v1/things/1", null, ("If-None-Match", "\"v2\""));
        Assert.That(other.Status, Is.EqualTo(200));
    }

    [TestCase("gzip, br", "br")]
    [TestCase("br;q=0.5", "br")]
    [TestCase("br;q=0", "")]
    [TestCase("gzip", "")]
    public async Task SearchThings_LargeReply_IsCompressedForWhoAsks(string accept, string encoding)
    {
        var query = new string('x', 2000);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/things/search?q={query}");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accept);
        using var response = await _gateway.Http.SendAsync(request);
        Assert.That(string.Join(',', response.Content.Headers.ContentEncoding), Is.EqualTo(encoding));
        await using var body = await response.Content.ReadAsStreamAsync();
        await using var plain =
            encoding == "br"
                ? new System.IO.Compression.BrotliStream(
                    body,
                    System.IO.Compression.CompressionMode.Decompress
                )
                : body;
        var json = await JsonNode.ParseAsync(plain);
        Assert.That((string?)json!["request"]!["q"], Is.EqualTo(query));
    }

    [Test]
    public async Task Head_OfAGet_HasHeadersWithoutBody()
    {
        var answer = await _gateway.SendAsync("HEAD", "/api/v1/things/1");
        Assert.That((answer.Status, answer.Body), Is.EqualTo((200, "")));
        Assert.That(answer.Header("ETag"), Is.EqualTo("\"v1\""));
    }

    [Test]
    public async Task WatchThings_PlainAccept_IsOneObjectALine()
    {
        var answer = await _gateway.SendAsync("GET", "/api/v1/watch?count=3");
        Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/x-ndjson"));
        var lines = answer.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(
            lines.Select(line => (string?)JsonNode.Parse(line)!["name"]),
            Is.EqualTo(new[] { "thing 0", "thing 1", "thing 2" })
        );
    }

    [Test]
    public async Task WatchThings_FailsAtOnce_IsAnOrdinaryProblem() =>
        Assert.That(
            (await _gateway.SendAsync("GET", "/api/v1/watch")).Problem,
            Is.EqualTo((409, "ABORTED", "GONE"))
        );

    [Test]
    [Description("X-22")]
    public async Task Ready_EveryApp_IsListed()
    {
        Assert.That((await _gateway.SendAsync("GET", "/health")).Body, Is.EqualTo("""{"status":"ok"}"""));
        var ready = await _gateway.SendAsync("GET", "/ready");
        Assert.That(
            (ready.Status, ready.Body),
            Is.EqualTo((200, """{"status":"ready","apps":{"echo":"ready"}}"""))
        );
        await using var sick = await GatewayHarness.StartAsync();
        sick.Health.Status = HealthCheckResponse.Types.ServingStatus.NotServing;
        var down = await sick.SendAsync("GET", "/ready");
        Assert.That((down.Status, (string?)down.Json["apps"]!["echo"]), Is.EqualTo((503, "not_ready")));
    }
}
