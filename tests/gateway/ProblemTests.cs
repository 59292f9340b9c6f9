using System.Net.Http.Headers;
using System.Text;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>Errors: of the gateway itself, and of services, as REST tells them.</summary>
public sealed class ProblemTests
{
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() => _gateway = await GatewayHarness.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [TestCase(1, 499, "CANCELLED")]
    [TestCase(2, 500, "UNKNOWN")]
    [TestCase(3, 400, "INVALID_ARGUMENT")]
    [TestCase(4, 504, "DEADLINE_EXCEEDED")]
    [TestCase(5, 404, "NOT_FOUND")]
    [TestCase(6, 409, "ALREADY_EXISTS")]
    [TestCase(7, 403, "PERMISSION_DENIED")]
    [TestCase(8, 429, "RESOURCE_EXHAUSTED")]
    [TestCase(9, 400, "FAILED_PRECONDITION")]
    [TestCase(10, 409, "ABORTED")]
    [TestCase(11, 400, "OUT_OF_RANGE")]
    [TestCase(12, 501, "UNIMPLEMENTED")]
    [TestCase(13, 500, "INTERNAL")]
    [TestCase(14, 503, "UNAVAILABLE")]
    [TestCase(15, 500, "DATA_LOSS")]
    [TestCase(16, 401, "UNAUTHENTICATED")]
    [Description("K30")]
    public async Task Fail_EachCode_MapsToItsStatus(int code, int status, string name)
    {
        var answer = await Fail($$"""{"code":{{code}},"reason":"MY_REASON","message":"what happened"}""");
        Assert.That(answer.Problem, Is.EqualTo((status, name, "MY_REASON")));
        Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/problem+json"));
        Assert.That((string?)answer.Json["detail"], Is.EqualTo(status == 500 ? null : "what happened"));
    }

    [Test]
    public async Task Fail_Details_AreInTheBody()
    {
        var answer = await Fail(
            """{"code":10,"reason":"OUT_OF_STOCK","message":"too late","retry_after_ms":1500}"""
        );
        Assert.That((string?)answer.Json["type"], Is.EqualTo("/docs#souk.echo.OUT_OF_STOCK"));
        Assert.That((string?)answer.Json["domain"], Is.EqualTo("souk.echo"));
        Assert.That((string?)answer.Json["metadata"]!["sku"], Is.EqualTo("S1"));
        Assert.That((string?)answer.Json["violations"]![0]!["field"], Is.EqualTo("a.b"));
        Assert.That((int)answer.Json["retry_after_ms"]!, Is.EqualTo(1500));
        Assert.That(answer.Header("Retry-After"), Is.EqualTo("2"));
        Assert.That((string?)answer.Json["trace_id"], Has.Length.EqualTo(32));
    }

    [Test]
    public async Task Fail_WithoutDetails_StillHasAReason()
    {
        var answer = await Fail("""{"code":14,"message":"über"}""");
        Assert.That(answer.Problem, Is.EqualTo((503, "UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")));
        Assert.That((string?)answer.Json["detail"], Is.EqualTo("über"));
        Assert.That(answer.Header("Retry-After"), Is.EqualTo("1"));
    }

    [Test]
    public async Task Rest_UnknownPath_IsNotFound() =>
        Assert.That(
            (await _gateway.SendAsync("GET", "/api/v1/nothing")).Problem,
            Is.EqualTo((404, "NOT_FOUND", "ROUTE_NOT_FOUND"))
        );

    [Test]
    public async Task Rest_WrongVerb_NamesTheRightOnes()
    {
        var answer = await _gateway.SendAsync("DELETE", "/api/v1/things/search");
        Assert.That(answer.Problem, Is.EqualTo((405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED")));
        Assert.That(answer.Header("Allow").Replace(" ", ""), Is.EqualTo("GET,HEAD,PATCH,PUT,REPORT"));
    }

    [Test]
    public async Task Access_NoToken_IsUnauthenticated()
    {
        var answer = await _gateway.SendAsync("POST", "/api/v1/things", "{}");
        Assert.That(answer.Problem, Is.EqualTo((401, "UNAUTHENTICATED", "TOKEN_MISSING")));
        Assert.That(answer.Header("WWW-Authenticate"), Is.EqualTo("Bearer"));
    }

    [TestCase("Bearer nonsense", "TOKEN_INVALID")]
    [TestCase("Bearer a.b.c", "TOKEN_INVALID")]
    [TestCase("Basic YTpi", "TOKEN_INVALID")]
    [TestCase("Bearer ", "TOKEN_INVALID")]
    [Description("X-03")]
    public async Task Access_BadToken_IsUnauthenticatedEvenWherePublic(string authorization, string reason)
    {
        var answer = await _gateway.SendAsync(
            "GET",
            "/api/v1/things/1",
            null,
            ("Authorization", authorization)
        );
        Assert.That(answer.Problem, Is.EqualTo((401, "UNAUTHENTICATED", reason)));
    }

    [Test]
    public async Task Access_ExpiredToken_SaysSo()
    {
        var token = GatewayHarness.Token("seller", TimeSpan.FromHours(1));
        var answer = await _gateway.SendAsync(
            "POST",
            "/api/v1/things",
            "{}",
            ("Authorization", $"Bearer {token}")
        );
        Assert.That(answer.Problem, Is.EqualTo((401, "UNAUTHENTICATED", "TOKEN_EXPIRED")));
    }

    [Test]
    public async Task Access_AlteredToken_IsInvalid()
    {
        var parts = GatewayHarness.Token("buyer").Split('.');
        var seller = GatewayHarness.Token("seller").Split('.');
        var answer = await _gateway.SendAsync(
            "POST",
            "/api/v1/things",
            "{}",
            ("Authorization", $"Bearer {parts[0]}.{seller[1]}.{parts[2]}")
        );
        Assert.That(answer.Problem, Is.EqualTo((401, "UNAUTHENTICATED", "TOKEN_INVALID")));
    }

    [TestCase("buyer", "/api/v1/things", 403)]
    [TestCase("admin", "/api/v1/things/1:buy", 200)]
    [TestCase("operator", "/api/v1/things/1:buy", 200)]
    [TestCase("seller", "/api/v1/things/1:buy", 403)]
    [Description("X-05")]
    public async Task Access_Role_DecidesBeforeTheBackendIsCalled(string role, string path, int status)
    {
        var answer = await _gateway.SendAsAsync(role, "POST", path, "{}");
        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
        if (status == 403)
            Assert.That(answer.Problem, Is.EqualTo((403, "PERMISSION_DENIED", "ROLE_REQUIRED")));
    }

    [Test]
    public async Task Access_RpcWithoutOption_IsRefusedForEverybody()
    {
        Assert.That((await _gateway.SendAsync("GET", "/api/v1/forbidden")).Status, Is.EqualTo(401));
        Assert.That(
            (await _gateway.SendAsAsync("admin", "GET", "/api/v1/forbidden")).Status,
            Is.EqualTo(403)
        );
    }

    [Test]
    public async Task Body_TooLarge_Is413WithAndWithoutLength()
    {
        var large = $$"""{"message":"{{new string('x', 1024 * 1024)}}"}""";
        var answer = await Fail(large);
        Assert.That(answer.Problem, Is.EqualTo((413, "RESOURCE_EXHAUSTED", "TOO_LARGE")));
        using var content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(large)));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/fail") { Content = content };
        request.Headers.TransferEncodingChunked = true;
        using var response = await _gateway.Http.SendAsync(request);
        Assert.That((int)response.StatusCode, Is.EqualTo(413));
    }

    [TestCase("text/plain", 415)]
    [TestCase("application/x-www-form-urlencoded", 415)]
    [TestCase("application/jsonx", 415)]
    [TestCase("application/json", 409)]
    [TestCase("application/JSON; charset=utf-8", 409)]
    [TestCase("application/merge-patch+json", 409)]
    public async Task Body_OtherMediaType_Is415(string type, int status)
    {
        var answer = await _gateway.SendAsync(
            "POST",
            "/api/v1/fail",
            """{"code":10}""",
            ("Content-Type", type)
        );
        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
    }

    [Test]
    public async Task Body_Compressed_IsRefused()
    {
        var answer = await _gateway.SendAsync("POST", "/api/v1/fail", "{}", ("Content-Encoding", "gzip"));
        Assert.That(answer.Problem, Is.EqualTo((415, "INVALID_ARGUMENT", "UNSUPPORTED_MEDIA_TYPE")));
    }

    [TestCase("{", "MALFORMED_JSON", "body")]
    [TestCase("""{"code":"x"}""", "INVALID_FIELD", "code")]
    [TestCase("""{"codes":1}""", "UNKNOWN_FIELD", "codes")]
    [TestCase("[]", "INVALID_FIELD", "body")]
    public async Task Body_BadJson_Is400WithThePath(string json, string reason, string field)
    {
        var answer = await Fail(json);
        Assert.That(answer.Problem, Is.EqualTo((400, "INVALID_ARGUMENT", reason)));
        Assert.That((string?)answer.Json["violations"]![0]!["field"], Is.EqualTo(field));
    }

    [Test]
    public async Task Body_WhereNoneBelongs_IsRefusedUnlessEmpty()
    {
        Assert.That((await _gateway.SendAsync("GET", "/api/v1/names", "{}")).Status, Is.EqualTo(200));
        var answer = await _gateway.SendAsync("GET", "/api/v1/names", """{"a":1}""");
        Assert.That(answer.Problem, Is.EqualTo((400, "INVALID_ARGUMENT", "UNKNOWN_FIELD")));
    }

    [Test]
    public async Task Deadline_Passed_Is504()
    {
        await using var impatient = await GatewayHarness.StartAsync(s =>
            s with
            {
                Deadline = TimeSpan.FromMilliseconds(300),
            }
        );
        var answer = await impatient.SendAsync("POST", "/api/v1/fail", """{"code":10,"delay_ms":600000}""");
        Assert.That(answer.Problem, Is.EqualTo((504, "DEADLINE_EXCEEDED", "DEADLINE_PASSED")));
    }

    [TestCase("0.3", 504)]
    [TestCase("0", 400)]
    [TestCase("-1", 400)]
    [TestCase("soon", 400)]
    [TestCase("1e9", 400)]
    public async Task Deadline_AskedFor_IsKept(string timeout, int status)
    {
        var answer = await _gateway.SendAsync(
            "POST",
            "/api/v1/fail",
            """{"code":10,"delay_ms":600000}""",
            ("X-Request-Timeout", timeout)
        );
        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
    }

    [Test]
    [Description("X-19")]
    public async Task Circuit_ServiceSilent_OpensAndAnswersAtOnce()
    {
        await using var alone = await GatewayHarness.StartAsync(
            s => s with { SidecarPort = 1 },
            new ManualTimeProvider(TimeProvider.System.GetUtcNow())
        );
        var reasons = new List<string?>();
        for (var call = 0; call < Souk.Shared.Circuit.FailuresMax + 1; call++)
            reasons.Add((string?)(await alone.SendAsync("POST", "/api/v1/fail", "{}")).Json["reason"]);
        Assert.That(reasons[^2], Is.EqualTo("DEPENDENCY_UNAVAILABLE"));
        Assert.That(reasons[^1], Is.EqualTo("CIRCUIT_OPEN"));
        var held = await alone.SendAsync("POST", "/api/v1/fail", "{}");
        Assert.That((held.Status, held.Header("Retry-After")), Is.EqualTo((503, "2")));
        Assert.That((string?)held.Json["metadata"]!["app_id"], Is.EqualTo("echo"));
    }

    // Not by running out of time, and without a circuit that opens for everybody.
    [Test]
    public async Task GetThing_ReplyTooLarge_IsAFaultAtOnceAndLeavesTheServiceOpen()
    {
        for (var call = 0; call < Souk.Shared.Circuit.FailuresMax + 1; call++)
        {
            var answer = await _gateway.SendAsync("GET", $"/api/v1/things/{EchoBackend.Huge}");
            Assert.That(answer.Problem, Is.EqualTo((500, "INTERNAL", "INTERNAL_FAULT")));
        }
        Assert.That((await _gateway.SendAsync("GET", "/api/v1/things/1")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Retry_UnavailableGet_IsTriedAgainButNotForEver()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        gateway.Echo.FailuresLeft = 2;
        Assert.That((await gateway.SendAsync("GET", "/api/v1/things/1")).Status, Is.EqualTo(200));
        gateway.Echo.FailuresLeft = 3;
        var answer = await gateway.SendAsync("GET", "/api/v1/things/1");
        Assert.That(answer.Problem, Is.EqualTo((503, "UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")));
    }

    // The service may have done it before it failed: only the caller knows whether it bears a repeat.
    [Test]
    public async Task Retry_UnavailablePost_IsNotTriedAgain()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        var answer = await gateway.SendAsync("POST", "/api/v1/fail", """{"code":14}""");
        Assert.That(answer.Status, Is.EqualTo(503));
        Assert.That(gateway.Echo.Failed, Is.EqualTo(1));
    }

    [Test]
    public async Task Rest_NoSidecar_Is503()
    {
        await using var alone = await GatewayHarness.StartAsync(s => s with { SidecarPort = 1 });
        var answer = await alone.SendAsync("POST", "/api/v1/fail", "{}");
        Assert.That(answer.Problem, Is.EqualTo((503, "UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")));
        Assert.That((await alone.SendAsync("GET", "/ready")).Status, Is.EqualTo(503));
        Assert.That((await alone.SendAsync("GET", "/health")).Status, Is.EqualTo(200));
    }

    [Test]
    [Description("X-07")]
    public async Task RateLimit_OverTheBurst_Is429WithRetryAfter()
    {
        await using var strict = await GatewayHarness.StartAsync(
            s => s with { RatePerAddress = 2 },
            new ManualTimeProvider(TimeProvider.System.GetUtcNow())
        );
        for (var call = 0; call < 4; call++)
            Assert.That((await strict.SendAsync("GET", "/api/v1/names")).Status, Is.EqualTo(200));
        var answer = await strict.SendAsync("GET", "/api/v1/names");
        Assert.That(answer.Problem, Is.EqualTo((429, "RESOURCE_EXHAUSTED", "RATE_LIMITED")));
        Assert.That(answer.Header("Retry-After"), Is.EqualTo("1"));
    }

    [Test]
    public async Task Cors_OnlyConfiguredOrigins_MayRead()
    {
        await using var gateway = await GatewayHarness.StartAsync(s =>
            s with
            {
                Origins = ["https://shop.example"],
            }
        );
        var preflight = await gateway.SendAsync(
            "OPTIONS",
            "/api/v1/things",
            null,
            ("Origin", "https://shop.example"),
            ("Access-Control-Request-Method", "POST")
        );
        Assert.That(preflight.Status, Is.EqualTo(204));
        Assert.That(preflight.Header("Access-Control-Allow-Origin"), Is.EqualTo("https://shop.example"));
        Assert.That(
            preflight.Header("Access-Control-Allow-Headers").Split(", "),
            Is.SupersetOf(new[] { "Idempotency-Key", "Last-Event-ID", "X-Request-Timeout", "traceparent" })
        );
        var other = await gateway.SendAsync("GET", "/api/v1/names", null, ("Origin", "https://evil.example"));
        Assert.That(other.Header("Access-Control-Allow-Origin"), Is.Empty);
    }

    private Task<Answer> Fail(string json) => _gateway.SendAsync("POST", "/api/v1/fail", json);
}
