using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Souk.Sidecar.Bindings;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Bindings over gRPC and HTTP: web addresses, mail, the clock.</summary>
internal sealed class BindingTests : SidecarFixture
{
    [Test]
    public async Task InvokeBinding_Http_SendsVerbPathHeadersAndBody()
    {
        var site = await SiteAsync(200);
        var client = await ClientAsync(
            HttpYaml(site, Yaml.Item("securityToken", "t-1") + Yaml.Item("securityTokenHeader", "X-Token"))
        );
        var request = new InvokeBindingRequest
        {
            Name = "web",
            Operation = "put",
            Data = ByteString.CopyFromUtf8("{\"a\":1}"),
        };
        request.Metadata.Add("path", "/items/7");
        request.Metadata.Add("X-Colour", "green");
        request.Metadata.Add("ignored", "no header");
        var reply = await client.InvokeBindingAsync(request);
        var seen = site.Requests.Single();
        Assert.That((seen.Line, seen.Body), Is.EqualTo(("PUT /base/items/7", "{\"a\":1}")));
        Assert.That((seen.Headers["X-Colour"], seen.Headers["X-Token"]), Is.EqualTo(("green", "t-1")));
        Assert.That(seen.Headers.Keys, Does.Not.Contain("ignored"));
        Assert.That(reply.Data.ToStringUtf8(), Is.EqualTo("answer"));
        Assert.That((reply.Metadata["statusCode"], reply.Metadata["status"]), Is.EqualTo(("200", "200 OK")));
        Assert.That(reply.Metadata["X-Answer"], Is.EqualTo("yes"));
    }

    [TestCase("create", "POST")]
    [TestCase("get", "GET")]
    [TestCase("delete", "DELETE")]
    [TestCase("patch", "PATCH")]
    [TestCase("options", "OPTIONS")]
    public async Task InvokeBinding_HttpOperation_IsTheVerb(string operation, string verb)
    {
        var site = await SiteAsync(200);
        var client = await ClientAsync(HttpYaml(site));
        await client.InvokeBindingAsync(new InvokeBindingRequest { Name = "web", Operation = operation });
        Assert.That(site.Requests.Single().Line, Is.EqualTo($"{verb} /base"));
    }

    [Test]
    public async Task InvokeBinding_HttpAnswers404_FailsUnlessToldOtherwise()
    {
        var client = await ClientAsync(HttpYaml(await SiteAsync(404)));
        var request = new InvokeBindingRequest { Name = "web", Operation = "get" };
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(request));
        Assert.That(
            (failure.Code, failure.Reason),
            Is.EqualTo((StatusCode.Internal, "ERR_INVOKE_OUTPUT_BINDING"))
        );
        Assert.That(
            failure.Message,
            Is.EqualTo("error invoking output binding web: received status code '404'")
        );
        request.Metadata.Add("errorIfNot2XX", "false");
        Assert.That((await client.InvokeBindingAsync(request)).Metadata["statusCode"], Is.EqualTo("404"));
    }

    [TestCase("nothing", "get", "couldn't find output binding nothing")]
    [TestCase("web", "dance", "binding web does not support operation dance")]
    public async Task InvokeBinding_NotThere_FailsWithTheReason(string name, string operation, string why)
    {
        var client = await ClientAsync(HttpYaml(await SiteAsync(200)));
        var request = new InvokeBindingRequest { Name = name, Operation = operation };
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(request));
        Assert.That(
            (failure.Code, failure.Reason),
            Is.EqualTo((StatusCode.Internal, "ERR_INVOKE_OUTPUT_BINDING"))
        );
        Assert.That(failure.Message, Does.Contain(why));
    }

    [Test]
    public async Task InvokeBinding_HttpSlowerThanItsResponseTimeout_Fails()
    {
        var ends = new TaskCompletionSource();
        var site = Own(await HttpTestApp.StartAsync(_ => ends.Task));
        var client = await ClientAsync(HttpYaml(site, Yaml.Item("responseTimeout", "100ms")));
        var failure = await DaprFailure.OfAsync(async () =>
            await client.InvokeBindingAsync(new InvokeBindingRequest { Name = "web", Operation = "get" })
        );
        ends.SetResult();
        Assert.That(
            (failure.Code, failure.Reason),
            Is.EqualTo((StatusCode.Internal, "ERR_INVOKE_OUTPUT_BINDING"))
        );
        Assert.That(failure.Message, Does.StartWith("error invoking output binding web: "));
    }

    [TestCase("6", null)]
    [TestCase("5", "ERR_INVOKE_OUTPUT_BINDING")]
    public async Task InvokeBinding_HttpAnswerOfSomeSize_FailsBeyondTheLimit(string limit, string? reason)
    {
        var site = await SiteAsync(200);
        var client = await ClientAsync(HttpYaml(site, Yaml.Item("maxResponseBodySize", limit)));
        var request = new InvokeBindingRequest { Name = "web", Operation = "get" };
        if (reason is null)
        {
            Assert.That((await client.InvokeBindingAsync(request)).Data.ToStringUtf8(), Is.EqualTo("answer"));
            return;
        }
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(request));
        Assert.That((failure.Code, failure.Reason), Is.EqualTo((StatusCode.Internal, reason)));
    }

    [Test]
    public async Task InvokeBinding_PathLeadsOut_IsRefused()
    {
        var site = await SiteAsync(200);
        var client = await ClientAsync(HttpYaml(site));
        var request = new InvokeBindingRequest { Name = "web", Operation = "get" };
        request.Metadata.Add("path", "/../secret");
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(request));
        Assert.That(failure.Message, Does.Contain("leads outside"));
        Assert.That(site.Requests, Is.Empty);
    }

    [Test]
    public async Task InvokeBinding_OverHttp_UnquotesTextsAndAnswersMetadataAsHeaders()
    {
        var site = await SiteAsync(200);
        var sidecar = await StartAsync(HttpYaml(site));
        using var http = new HttpClient();
        var url = $"http://127.0.0.1:{sidecar.Spec("app").HttpPort}/v1.0/bindings/web";
        using var text = await http.PostAsJsonAsync(url, new { operation = "post", data = "plain" });
        using var json = await http.PutAsJsonAsync(url, new { operation = "post", data = new { a = 1 } });
        Assert.That(site.Requests.Select(seen => seen.Body), Is.EqualTo(new[] { "plain", "{\"a\":1}" }));
        Assert.That(text.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(text.Headers.GetValues("metadata.statusCode").Single(), Is.EqualTo("200"));
        Assert.That(await text.Content.ReadAsStringAsync(), Is.EqualTo("answer"));
        using var unknown = await http.PostAsJsonAsync(url + "x", new { operation = "post" });
        var error = await unknown.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That((int)unknown.StatusCode, Is.EqualTo(500));
        Assert.That(error.GetProperty("errorCode").GetString(), Is.EqualTo("ERR_INVOKE_OUTPUT_BINDING"));
    }

    [Test]
    public async Task InvokeBinding_Smtp_DeliversOneHtmlMail()
    {
        var server = Own(new StubSmtpServer());
        var client = await ClientAsync(Yaml.Smtp(server));
        var request = new InvokeBindingRequest
        {
            Name = "mail",
            Operation = "create",
            Data = ByteString.CopyFromUtf8("<b>Grüße</b>\n.\nend"),
        };
        request.Metadata.Add("emailTo", "Ann <ann@example.com>; bob@example.com");
        request.Metadata.Add("emailBCC", "carl@example.com");
        request.Metadata.Add("subject", "Ihre Bestellung — größer\r\nBcc: evil@example.com");
        request.Metadata.Add("priority", "1");
        await client.InvokeBindingAsync(request);
        var mail = server.Mails.Single();
        Assert.That(mail.Login, Is.EqualTo("\0shop\0secret"));
        Assert.That(mail.From, Is.EqualTo("MAIL FROM:<shop@example.com>"));
        Assert.That(
            mail.Recipients,
            Is.EqualTo(new[] { "ann@example.com", "bob@example.com", "carl@example.com" })
        );
        Assert.That(mail.Html, Is.EqualTo("<b>Grüße</b>\n.\nend"));
        Assert.That(
            mail.Text,
            Does.Contain("X-Priority: 1").And.Contain("To: Ann <ann@example.com>,\n bob@")
        );
        Assert.That(mail.Text, Does.Not.Contain("carl").And.Not.Contain("\nBcc:"));
    }

    [Test]
    public async Task InvokeBinding_SmtpOverride_DoesNotLeakIntoTheNextMail()
    {
        var server = Own(new StubSmtpServer());
        var client = await ClientAsync(Yaml.Smtp(server));
        var once = new InvokeBindingRequest { Name = "mail", Operation = "create" };
        once.Metadata.Add("emailTo", "once@example.com");
        await client.InvokeBindingAsync(once);
        await client.InvokeBindingAsync(new InvokeBindingRequest { Name = "mail", Operation = "create" });
        Assert.That(
            server.Mails.Select(mail => mail.Recipients.Single()),
            Is.EqualTo(new[] { "once@example.com", "all@example.com" })
        );
    }

    [Test]
    public async Task InvokeBinding_SmtpRefusesTheRecipient_FailsWithItsWords()
    {
        var client = await ClientAsync(Yaml.Smtp(Own(new StubSmtpServer())));
        var request = new InvokeBindingRequest { Name = "mail", Operation = "create" };
        request.Metadata.Add("emailTo", StubSmtpServer.Refused);
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(request));
        Assert.That(failure.Message, Does.Contain("550 no such mailbox"));
    }

    [Test]
    public async Task OnBindingEvent_Cron_FiresAtGrpcAppsThatListIt()
    {
        var app = Own(await TopicApp.StartAsync());
        app.Bindings.Add("tick");
        await StartAsync(
            Yaml.Cron("tick", "@every 50ms") + Yaml.Cron("other", "@every 50ms"),
            TestSidecar.App("app", app.Port)
        );
        await Eventually.ThatAsync(() => app.Fired.Count >= 3, "three ticks");
        Assert.That(app.Fired.Select(fired => fired.Name), Is.All.EqualTo("tick"));
        Assert.That(app.Fired[0].Metadata.Keys, Is.SupersetOf(new[] { "readTimeUTC", "timeZone" }));
        Assert.That(app.Fired[0].Data, Is.Empty);
    }

    [Test]
    public async Task OnBindingEvent_Cron_PostsToHttpAppsThatHaveThePath()
    {
        var app = Own(await HttpTestApp.OnlyAsync("/tock"));
        var components =
            Yaml.Cron("tick", "@every 50ms", Yaml.Item("route", "/tock")) + Yaml.Cron("other", "@every 50ms");
        await StartAsync(components, TestSidecar.App("app", app.Port) with { Protocol = "http" });
        bool IsPost(HttpTestApp.SeenRequest seen) => seen.Line.StartsWith("POST", StringComparison.Ordinal);
        await Eventually.ThatAsync(() => app.Requests.Count(IsPost) >= 3, "three ticks");
        Assert.That(app.Requests.Where(IsPost).Select(seen => seen.Line), Is.All.EqualTo("POST /tock"));
        Assert.That(app.Requests.Select(seen => seen.Line), Does.Contain("OPTIONS /other"));
        Assert.That(app.Requests.First(IsPost).Headers.Keys, Does.Contain("readTimeUTC"));
    }

    [TestCase("\"words\"", "words")]
    [TestCase("{\"n\":1}", "{\"n\":1}")]
    public async Task OnBindingEvent_HttpAppAsksForStateAndBindings_GetsBoth(string data, string sent)
    {
        var site = await SiteAsync(200);
        var answer =
            "{\"storeName\":\"store\",\"state\":[{\"key\":\"ticks\",\"value\":{\"n\":1}}],"
            + $"\"to\":[\"web\"],\"data\":{data}}}";
        var app = Own(
            await HttpTestApp.StartAsync(async context =>
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer))
            )
        );
        var components =
            Yaml.Cron("tick", "@every 50ms")
            + HttpYaml(site)
            + Yaml.Component("store", "state.in-memory", "v1", "");
        var spec = TestSidecar.App("app", app.Port) with { Protocol = "http" };
        var sidecar = await StartAsync(components, spec);
        await Eventually.ThatAsync(() => !site.Requests.IsEmpty, "the other binding");
        Assert.That(
            (site.Requests.First().Line, site.Requests.First().Body),
            Is.EqualTo(("POST /base", sent))
        );
        var state = await sidecar
            .Client("app")
            .GetStateAsync(new GetStateRequest { StoreName = "store", Key = "ticks" });
        Assert.That(state.Data.ToStringUtf8(), Is.EqualTo("{\"n\":1}"));
    }

    [Test]
    public async Task OnBindingEvent_GrpcAppAsksForStateAndBindings_GetsBoth()
    {
        var site = await SiteAsync(200);
        var app = Own(await CallbackApp.StartAsync(new Asking()));
        var components =
            Yaml.Cron("tick", "@every 50ms")
            + HttpYaml(site)
            + Yaml.Component("store", "state.in-memory", "v1", "");
        var sidecar = await StartAsync(components, TestSidecar.App("app", app.Port));
        await Eventually.ThatAsync(() => !site.Requests.IsEmpty, "the other binding");
        Assert.That(site.Requests.First().Body, Is.EqualTo("sent on"));
        var state = await sidecar
            .Client("app")
            .GetStateAsync(new GetStateRequest { StoreName = "store", Key = "ticks" });
        Assert.That(state.Data.ToStringUtf8(), Is.EqualTo("kept"));
    }

    [TestCase("plain words")]
    [TestCase("{\"to\":[\"nowhere\"]}")]
    [TestCase("{\"to\":7}")]
    [TestCase("{\"state\":[{\"key\":\"\"}],\"storeName\":\"none\"}")]
    public async Task OnBindingEvent_HttpAppAsksForNothingSensible_FiresAgain(string answer)
    {
        var app = Own(
            await HttpTestApp.StartAsync(async context =>
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer))
            )
        );
        await StartAsync(
            Yaml.Cron("tick", "@every 50ms"),
            TestSidecar.App("app", app.Port) with
            {
                Protocol = "http",
            }
        );
        await Eventually.ThatAsync(
            () => app.Requests.Count(seen => seen.Line == "POST /tick") >= 2,
            "two ticks"
        );
    }

    [TestCase("*/15 * * * *", "2026-03-01T10:07:00Z", "2026-03-01T10:15:00Z")]
    [TestCase("30 0 9 * * MON", "2026-03-01T10:07:00Z", "2026-03-02T09:00:30Z")]
    [TestCase("@hourly", "2026-03-01T10:07:00Z", "2026-03-01T11:00:00Z")]
    [TestCase("@daily", "2026-03-01T10:07:00Z", "2026-03-02T00:00:00Z")]
    [TestCase("@every 1h30m", "2026-03-01T10:07:00Z", "2026-03-01T11:37:00Z")]
    [TestCase("TZ=Europe/Vienna 30 4 * * ?", "2026-07-01T10:00:00Z", "2026-07-02T02:30:00Z")]
    public void Cron_Schedule_KnowsItsNextInstant(string schedule, string after, string next) =>
        Assert.That(
            CronSchedule
                .Parse(schedule.StartsWith("TZ", StringComparison.Ordinal) ? schedule : "TZ=UTC " + schedule)
                .Next(DateTimeOffset.Parse(after)),
            Is.EqualTo(DateTimeOffset.Parse(next))
        );

    [TestCase("bindings.cron", "schedule", "often", "schedule 'often' cannot be read")]
    [TestCase("bindings.http", "url", "ftp://x", "url must be an http or https address")]
    [TestCase("bindings.smtp", "host", "localhost", "port is required")]
    [TestCase("bindings.kafka", "brokers", "x", "type is not known here")]
    public async Task Bindings_Mistake_EndsTheStartWithFileAndField(
        string type,
        string field,
        string value,
        string why
    )
    {
        var components = Yaml.Component("b", type, "v1", Yaml.Item(field, value));
        var mistake = await TestSidecar.MistakeAsync(components, TestSidecar.App("app"));
        Assert.That(mistake.Message, Does.Contain("components.yaml:").And.Contain(why));
    }

    [Test]
    public async Task GetSecret_LocalEnv_GivesVariablesButDaprsOwn()
    {
        Environment.SetEnvironmentVariable("SOUK_TEST_PIN", "1234");
        var store = Yaml.Component("env", "secretstores.local.env", "v1", Yaml.Item("prefix", "SOUK_TEST_"));
        var all = Yaml.Component("all", "secretstores.local.env", "v1", Yaml.Item("unused", "x"));
        var client = (await StartAsync(store + all)).Client("app");
        async Task<string> Get(string from, string key) =>
            (await client.GetSecretAsync(new GetSecretRequest { StoreName = from, Key = key })).Data[key];
        Assert.That(await Get("env", "PIN"), Is.EqualTo("1234"));
        Assert.That(await Get("all", "SOUK_TEST_PIN"), Is.EqualTo("1234"));
        Assert.That(await Get("all", "NO_SUCH_VARIABLE_HERE"), Is.Empty);
        Environment.SetEnvironmentVariable("DAPR_TEST_HIDDEN", "hidden");
        Assert.That(await Get("all", "DAPR_TEST_HIDDEN"), Is.Empty);
        var bulk = await client.GetBulkSecretAsync(new GetBulkSecretRequest { StoreName = "env" });
        Assert.That(bulk.Data.Keys, Does.Contain("PIN").And.Not.Contain("PATH"));
    }

    [Test]
    public async Task SecretKeyRef_LocalEnv_FillsAComponent()
    {
        var site = await SiteAsync(200);
        Environment.SetEnvironmentVariable("SOUK_TEST_URL", $"http://127.0.0.1:{site.Port}/base");
        var binding = """
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: { name: web }
            spec:
              type: bindings.http
              version: v1
              metadata:
                - { name: url, secretKeyRef: { name: SOUK_TEST_URL, key: SOUK_TEST_URL } }
            auth: { secretStore: env }

            """;
        var store = Yaml.Component("env", "secretstores.local.env", "v1", Yaml.Item("unused", "x"));
        var client = await ClientAsync(binding + store);
        await client.InvokeBindingAsync(new InvokeBindingRequest { Name = "web", Operation = "get" });
        Assert.That(site.Requests, Has.Count.EqualTo(1));
    }

    private sealed class Asking : AppCallback.AppCallbackBase
    {
        public override Task<ListInputBindingsResponse> ListInputBindings(
            Empty request,
            ServerCallContext context
        ) => Task.FromResult(new ListInputBindingsResponse { Bindings = { "tick" } });

        public override Task<BindingEventResponse> OnBindingEvent(
            BindingEventRequest request,
            ServerCallContext context
        )
        {
            var kept = new StateItem { Key = "ticks", Value = ByteString.CopyFromUtf8("kept") };
            return Task.FromResult(
                new BindingEventResponse
                {
                    StoreName = "store",
                    States = { kept },
                    To = { "web" },
                    Data = ByteString.CopyFromUtf8("sent on"),
                }
            );
        }
    }

    private async Task<HttpTestApp> SiteAsync(int status) =>
        Own(
            await HttpTestApp.StartAsync(async context =>
            {
                context.Response.StatusCode = status;
                context.Response.Headers["X-Answer"] = "yes";
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes("answer"));
            })
        );

    private async Task<Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient> ClientAsync(string components) =>
        (await StartAsync(components)).Client("app");

    private async Task<TestSidecar> StartAsync(string components, Souk.Sidecar.Files.AppSpec? app = null) =>
        Own(await TestSidecar.StartAsync(components, app ?? TestSidecar.App("app")));

    private static string HttpYaml(HttpTestApp site, string more = "") =>
        Yaml.Component(
            "web",
            "bindings.http",
            "v1",
            Yaml.Item("url", $"http://127.0.0.1:{site.Port}/base") + more
        );
}
