using System.Net.Sockets;
using System.Text;
using Souk.Sidecar;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Locks, secrets, metadata, health, tokens and bad input over HTTP.</summary>
internal sealed class HttpSystemTests : SidecarFixture
{
    [Test]
    public async Task TryLock_TakenReleasedAndForeign_AreTold()
    {
        using var caller = await StartAsync(Yaml.RedisLock());
        var lockIt = $"{{\"resourceId\":\"{Topic()}\",\"lockOwner\":\"me\",\"expiryInSeconds\":60}}";
        Assert.That((await LockAsync(caller, lockIt)).Body, Is.EqualTo("{\"success\":true}"));
        Assert.That((await LockAsync(caller, lockIt)).Body, Is.EqualTo("{\"success\":false}"));
        var foreign = lockIt.Replace("\"me\"", "\"you\"");
        Assert.That((await UnlockAsync(caller, foreign)).Body, Is.EqualTo("{\"status\":2}"));
        Assert.That((await UnlockAsync(caller, lockIt)).Body, Is.EqualTo("{\"status\":0}"));
        Assert.That((await UnlockAsync(caller, lockIt)).Body, Is.EqualTo("{\"status\":1}"));
    }

    [TestCase("{\"resourceId\":\"r\",\"lockOwner\":\"o\"}", "ERR_MALFORMED_REQUEST")]
    [TestCase("{\"resourceId\":\"\",\"lockOwner\":\"o\",\"expiryInSeconds\":1}", "ERR_MALFORMED_REQUEST")]
    [TestCase("{\"resourceId\":\"r\",\"lockOwner\":\"o\",\"expiryInSeconds\":1.5}", "ERR_MALFORMED_REQUEST")]
    [TestCase("nothing", "ERR_MALFORMED_REQUEST")]
    public async Task TryLock_BadRequest_IsMalformed(string body, string code)
    {
        using var caller = await StartAsync(Yaml.RedisLock());
        Assert.That((await LockAsync(caller, body)).Error, Is.EqualTo((400, code, "")));
    }

    [Test]
    public async Task Components_None_AreNotConfigured()
    {
        using var caller = await StartAsync("");
        const string Lock = "{\"resourceId\":\"r\",\"lockOwner\":\"o\",\"expiryInSeconds\":1}";
        Assert.That(
            (await LockAsync(caller, Lock)).Error,
            Is.EqualTo((500, "ERR_LOCK_STORE_NOT_CONFIGURED", ""))
        );
        Assert.That(
            (await caller.GetAsync("/v1.0/secrets/vault/x")).Error,
            Is.EqualTo((500, "ERR_SECRET_STORES_NOT_CONFIGURED", ""))
        );
        Assert.That(
            (await caller.GetAsync("/v1.0/state/store/x")).Error,
            Is.EqualTo((500, "ERR_STATE_STORE_NOT_CONFIGURED", "DAPR_STATE_NOT_CONFIGURED"))
        );
    }

    [Test]
    public async Task SetMetadata_Value_IsInTheDocument()
    {
        using var caller = await StartAsync("");
        var set = await caller.SendAsync("PUT", "/v1.0/metadata/mood", "good, thanks");
        Assert.That(set.Status, Is.EqualTo(204));
        var metadata = (await caller.GetAsync("/v1.0/metadata")).Json;
        Assert.That(metadata.GetProperty("id").GetString(), Is.EqualTo("app"));
        var extended = metadata.GetProperty("extended");
        Assert.That(extended.GetProperty("mood").GetString(), Is.EqualTo("good, thanks"));
        Assert.That(extended.TryGetProperty("daprRuntimeVersion", out _));
    }

    [Test]
    public async Task Health_OtherAppId_DoesNotMatch()
    {
        using var caller = await StartAsync("");
        Assert.That((await caller.GetAsync("/v1.0/healthz?appid=app")).Status, Is.EqualTo(204));
        var other = await caller.GetAsync("/v1.0/healthz?appid=other");
        Assert.That(other.Error, Is.EqualTo((500, "ERR_HEALTH_APPID_NOT_MATCH", "")));
    }

    [Test]
    public async Task ApiToken_EveryPathButHealth_NeedsIt()
    {
        var settings = new SidecarSettings { ApiToken = "api" };
        var sidecar = Own(await TestSidecar.StartAsync(settings, "", TestSidecar.App("app")));
        using var caller = sidecar.Http("app");
        foreach (var path in new[] { "/v1.0/metadata", "/v1.0/invoke/app/method/x", "/anything" })
        {
            var refused = await caller.GetAsync(path, ("dapr-api-token", "wrong"));
            Assert.That((refused.Status, refused.Body), Is.EqualTo((401, "invalid api token")), path);
        }
        Assert.That((await caller.GetAsync("/v1.0/metadata")).Status, Is.EqualTo(401));
        Assert.That((await caller.GetAsync("/v1.0/healthz")).Status, Is.EqualTo(204));
        Assert.That((await caller.GetAsync("/v1.0/healthz/outbound")).Status, Is.EqualTo(204));
        var trusted = await caller.GetAsync("/v1.0/metadata", ("dapr-api-token", "api"));
        Assert.That(trusted.Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Body_OverTheLimit_Is413AndWithinItIsTaken()
    {
        var spec = TestSidecar.App("app") with { MaxBodyBytes = 1000 };
        var store = Yaml.Component("store", "state.in-memory", "v1", Yaml.Item("keyPrefix", "none"));
        var sidecar = Own(await TestSidecar.StartAsync(store, spec));
        using var caller = sidecar.Http("app");
        static string Item(int length) => $"[{{\"key\":\"k\",\"value\":\"{new string('x', length)}\"}}]";
        Assert.That((await caller.PostAsync("/v1.0/state/store", Item(900))).Status, Is.EqualTo(204));
        foreach (var length in new[] { 2000, 900_000 })
        {
            var refused = await caller.PostAsync("/v1.0/state/store", Item(length), HttpCaller.Waiting);
            Assert.That(refused.Status, Is.EqualTo(413));
        }
    }

    [Test]
    public async Task HttpPort_Http2WithoutTls_IsSpokenBesideHttp1()
    {
        var app = Own(await EchoApp.StartAsync());
        var spec = TestSidecar.App("app", app.Port) with { Protocol = "http" };
        var store = Yaml.Component("store", "state.in-memory", "v1", "");
        var sidecar = Own(await TestSidecar.StartAsync(store, spec));
        using var http2 = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{sidecar.Spec("app").HttpPort}"),
            DefaultRequestVersion = System.Net.HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var item = new StringContent("[{\"key\":\"k\",\"value\":1}]");
        using var saved = await http2.PostAsync("/v1.0/state/store", item);
        Assert.That((saved.Version.Major, (int)saved.StatusCode), Is.EqualTo((2, 204)));
        var read = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(_ => http2.GetStringAsync("/v1.0/state/store/k"))
        );
        Assert.That(read, Is.All.EqualTo("1"));
        var body = new string('x', 1_000_000);
        using var large = new StringContent(body);
        using var echoed = await http2.PostAsync("/v1.0/invoke/app/method/m", large);
        Assert.That(await echoed.Content.ReadAsStringAsync(), Does.Contain(body));
        using var http1 = sidecar.Http("app");
        Assert.That((await http1.GetAsync("/v1.0/state/store/k")).Body, Is.EqualTo("1"));
        Assert.That((await http1.GetAsync("/metrics")).Body, Does.Contain("/v1.0/state/{store}/{key}"));
    }

    [TestCase(4096, 3000, 5000)]
    [TestCase(65536, 40_000, 70_000)]
    public async Task Headers_OverTheLimit_Are431AndWithinItPass(int limit, int within, int over)
    {
        var spec = TestSidecar.App("app") with { MaxHeaderBytes = limit };
        Assert.That(TestSidecar.App("app").MaxHeaderBytes, Is.EqualTo(4096));
        var sidecar = Own(await TestSidecar.StartAsync("", spec));
        using var caller = sidecar.Http("app");
        (string, string) Header(int length) => ("x-long", new string('x', length));
        Assert.That((await caller.GetAsync("/v1.0/metadata", Header(within))).Status, Is.EqualTo(200));
        Assert.That((await caller.GetAsync("/v1.0/metadata", Header(over))).Status, Is.EqualTo(431));
        var headers = new Grpc.Core.Metadata { { "x-long", new string('x', over) } };
        var failure = await DaprFailure.OfAsync(async () =>
            await sidecar.Client("app").GetMetadataAsync(new(), headers)
        );
        Assert.That(failure.Code, Is.EqualTo(Grpc.Core.StatusCode.ResourceExhausted));
    }

    [TestCase("https://shop.example", "https://shop.example")]
    [TestCase("https://evil.example", "")]
    public async Task AllowedOrigins_Given_AreToldToBrowsers(string origin, string allowed)
    {
        var settings = new SidecarSettings { AllowedOrigins = ["https://shop.example"] };
        var sidecar = Own(await TestSidecar.StartAsync(settings, "", TestSidecar.App("app")));
        using var caller = sidecar.Http("app");
        var asked = await caller.SendAsync(
            "OPTIONS",
            "/v1.0/metadata",
            null,
            ("Origin", origin),
            ("Access-Control-Request-Method", "GET")
        );
        Assert.That(asked.Header("Access-Control-Allow-Origin"), Is.EqualTo(allowed));
        var read = await caller.GetAsync("/v1.0/metadata", ("Origin", origin));
        Assert.That(read.Header("Access-Control-Allow-Origin"), Is.EqualTo(allowed));
    }

    [Test]
    public async Task AllowedOrigins_NotGiven_NoAnswerMentionsThem()
    {
        using var caller = await StartAsync("");
        var read = await caller.GetAsync("/v1.0/metadata", ("Origin", "https://shop.example"));
        Assert.That(read.Headers.Select(header => header.Key), Has.None.StartsWith("Access-Control"));
    }

    [Test]
    public async Task AppSettings_OfAnHttpApp_AreReadOnceBeforeItsSubscriptions()
    {
        var app = Own(await HttpTestApp.OnlyAsync("/dapr/config"));
        var spec = TestSidecar.App("app", app.Port) with { Protocol = "http" };
        var sidecar = Own(await TestSidecar.StartAsync("", spec));
        using var caller = sidecar.Http("app");
        await Eventually.ThatAsync(
            async () => (await caller.GetAsync("/v1.0/healthz")).Status == 204,
            "the sidecar to be ready"
        );
        Assert.That(
            app.Requests.Select(request => request.Line),
            Is.EqualTo(new[] { "GET /dapr/config", "GET /dapr/subscribe" })
        );
    }

    [Test]
    public async Task Connection_HalfOpenOrGarbled_DisturbsNobody()
    {
        var sidecar = Own(await TestSidecar.StartAsync("", TestSidecar.App("app")));
        var port = sidecar.Spec("app").HttpPort;
        var half = new List<TcpClient>();
        for (var i = 0; i < 50; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port);
            var text =
                i % 2 == 0
                    ? "POST /v1.0/state/store HTTP/1.1\r\ncontent-length: 9\r\n\r\n["
                    : "\0\u0001?\r\n";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text));
            half.Add(client);
        }
        using var caller = sidecar.Http("app");
        Assert.That((await caller.GetAsync("/v1.0/healthz")).Status, Is.EqualTo(204));
        half.ForEach(client => client.Dispose());
        Assert.That((await caller.GetAsync("/v1.0/metadata")).Status, Is.EqualTo(200));
    }

    private async Task<HttpCaller> StartAsync(string components) =>
        Own(await TestSidecar.StartAsync(components, TestSidecar.App("app"))).Http("app");

    private static Task<HttpAnswer> LockAsync(HttpCaller caller, string body) =>
        caller.PostAsync("/v1.0-alpha1/lock/locks", body);

    private static Task<HttpAnswer> UnlockAsync(HttpCaller caller, string body) =>
        caller.PostAsync("/v1.0-alpha1/unlock/locks", body);
}
