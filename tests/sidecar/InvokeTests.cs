using System.Text;
using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Tests.Harness;
using Verb = Dapr.Client.Autogen.Grpc.v1.HTTPExtension.Types.Verb;

namespace Souk.Tests.Sidecar;

/// <summary>Calls to an app by HTTP and by message, to an HTTP app and to a gRPC app.</summary>
internal sealed class InvokeTests
{
    private TestSidecar _sidecar = null!;
    private EchoApp _http = null!;
    private EchoApp _grpc = null!;
    private HttpCaller _caller = null!;

    [SetUp]
    public async Task Start()
    {
        _http = await EchoApp.StartAsync();
        _grpc = await EchoApp.StartAsync(grpc: true);
        _sidecar = await TestSidecar.StartAsync(
            new SidecarSettings { AppToken = "app-token", Namespace = "market" },
            "",
            TestSidecar.App("caller"),
            TestSidecar.App("http", _http.Port) with
            {
                Protocol = "http",
            },
            TestSidecar.App("grpc", _grpc.Port),
            TestSidecar.App("down", FreePorts.One()) with
            {
                Protocol = "http",
            }
        );
        _caller = _sidecar.Http("caller");
    }

    [TearDown]
    public async Task Stop()
    {
        _caller?.Dispose();
        if (_sidecar is not null)
            await _sidecar.DisposeAsync();
        await _http.DisposeAsync();
        await _grpc.DisposeAsync();
    }

    [TestCase("GET")]
    [TestCase("POST")]
    [TestCase("PUT")]
    [TestCase("DELETE")]
    [TestCase("PATCH")]
    [TestCase("OPTIONS")]
    public async Task Invoke_HttpApp_EveryVerbPassesWithQueryBodyAndHeaders(string verb)
    {
        var body = verb is "GET" or "OPTIONS" ? null : "{\"n\": 1}";
        var answer = await _caller.SendAsync(
            verb,
            "/v1.0/invoke/http/method/a/b%2Fc?x=1&y=%20",
            body,
            ("x-mine", "1")
        );
        var echo = Parse(answer);
        Assert.Multiple(() =>
        {
            Assert.That(answer.Status, Is.EqualTo(200));
            Assert.That(answer.Header("x-app"), Is.EqualTo("yes"));
            Assert.That((echo.Verb, echo.Target), Is.EqualTo((verb, "/a/b%2Fc?x=1&y=%20")));
            Assert.That(echo.Body, Is.EqualTo(body ?? ""));
            Assert.That(echo.Headers["x-mine"], Is.EqualTo("1"));
        });
    }

    [Test]
    public async Task Invoke_HttpApp_SidecarHeadersAreAdded()
    {
        var answer = await _caller.GetAsync(
            "/v1.0/invoke/http/method/x",
            ("dapr-api-token", "mine"),
            ("dapr-caller-app-id", "forged")
        );
        var headers = Parse(answer).Headers;
        Assert.Multiple(() =>
        {
            Assert.That(headers["dapr-caller-app-id"], Is.EqualTo("caller"));
            Assert.That(headers["dapr-caller-namespace"], Is.EqualTo("market"));
            Assert.That(headers["dapr-callee-app-id"], Is.EqualTo("http"));
            Assert.That(headers["dapr-api-token"], Is.EqualTo("app-token"));
            Assert.That(headers["x-forwarded-for"], Is.EqualTo("127.0.0.1"));
            Assert.That(headers["forwarded"], Does.StartWith("for=127.0.0.1;by=127.0.0.1;host="));
            Assert.That(headers, Contains.Key("x-forwarded-host"));
            Assert.That(headers["traceparent"], Does.Match("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$"));
        });
    }

    [TestCase(204)]
    [TestCase(301)]
    [TestCase(404)]
    [TestCase(418)]
    [TestCase(503)]
    public async Task Invoke_HttpApp_EveryStatusPassesWithItsBody(int status)
    {
        var answer = await _caller.PostAsync($"/v1.0/invoke/http/method/status/{status}", "x");
        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(answer.Body, Is.EqualTo(status == 204 ? "" : "scripted"));
        Assert.That(_http.Calls, Is.EqualTo(1));
    }

    [Test]
    public async Task Invoke_HeadRequest_HasHeadersOnly()
    {
        var answer = await _caller.SendAsync("HEAD", "/v1.0/invoke/http/method/x");
        Assert.That((answer.Status, answer.Header("x-app"), answer.Body), Is.EqualTo((200, "yes", "")));
    }

    [Test]
    public async Task Invoke_ByHeader_PathIsTheApps()
    {
        var answer = await _caller.PostAsync("/orders/7?a=b", "hi", ("dapr-app-id", "http"));
        Assert.That((Parse(answer).Target, Parse(answer).Body), Is.EqualTo(("/orders/7?a=b", "hi")));
    }

    [Test]
    public async Task Invoke_ByBasicUser_PathIsTheApps()
    {
        var user = Convert.ToBase64String(Encoding.UTF8.GetBytes("dapr-app-id:http"));
        var answer = await _caller.GetAsync("/orders", ("authorization", "Basic " + user));
        Assert.That(Parse(answer).Target, Is.EqualTo("/orders"));
    }

    [Test]
    public async Task Invoke_NamespacedId_ReachesTheApp() =>
        Assert.That((await _caller.GetAsync("/v1.0/invoke/http.market/method/x")).Status, Is.EqualTo(200));

    [Test]
    public async Task Invoke_OwnApp_IsCalledToo()
    {
        using var self = _sidecar.Http("http");
        Assert.That(Parse(await self.GetAsync("/v1.0/invoke/http/method/x")).Target, Is.EqualTo("/x"));
    }

    [Test]
    public async Task Invoke_Address_IsCalledAsItIs()
    {
        var answer = await _caller.GetAsync($"/v1.0/invoke/http://127.0.0.1:{_http.Port}/method/far?q=1");
        Assert.That(Parse(answer).Target, Is.EqualTo("/far?q=1"));
        Assert.That(Parse(answer).Headers, Does.Not.ContainKey("dapr-api-token"));
    }

    [Test]
    public async Task Invoke_LargeBodyWithinTheLimit_ArrivesWhole()
    {
        var body = new string('x', 4_000_000);
        var answer = await _caller.PostAsync("/v1.0/invoke/http/method/x", body);
        Assert.That(Parse(answer).Body, Has.Length.EqualTo(body.Length));
    }

    [Test]
    public async Task Invoke_BodyOverTheLimit_Is413()
    {
        var body = new string('x', 5_000_000);
        var answer = await _caller.PostAsync("/v1.0/invoke/http/method/x", body, HttpCaller.Waiting);
        Assert.That(answer.Status, Is.EqualTo(413));
    }

    [TestCase("nobody")]
    [TestCase("down")]
    [TestCase("caller")]
    public async Task Invoke_AppThatIsNotThere_IsDirectInvoke(string id)
    {
        var answer = await _caller.GetAsync($"/v1.0/invoke/{id}/method/x");
        Assert.That(answer.Error, Is.EqualTo((500, "ERR_DIRECT_INVOKE", "")));
        Assert.That(answer.Message, Does.StartWith($"failed to invoke, id: {id}, err: "));
    }

    [TestCase("/v1.0/invoke/")]
    [TestCase("/v1.0/invoke/http")]
    [TestCase("/v1.0/nothing/of/the/api")]
    [TestCase("/")]
    public async Task Invoke_NoAppNamed_Is404(string path) =>
        Assert.That((await _caller.GetAsync(path)).Error, Is.EqualTo((404, "ERR_DIRECT_INVOKE", "")));

    [TestCase("GET", "/v1.0/configuration/store?key=a")]
    [TestCase("POST", "/v1.0/actors/Till/1/method/open")]
    [TestCase("POST", "/v1.0-alpha1/state/store/query")]
    [TestCase("PATCH", "/v1.0/state/store")]
    public async Task Invoke_NoApiOfThisRuntime_IsNamed(string verb, string path)
    {
        var answer = await _caller.SendAsync(verb, path);
        Assert.That(answer.Error, Is.EqualTo((404, "ERR_DIRECT_INVOKE", "")));
        Assert.That(
            answer.Message,
            Does.EndWith($"and '{verb} {path.Split('?')[0]}' is no API of this runtime")
        );
    }

    [Test]
    public async Task Invoke_GrpcApp_GetsOnInvoke()
    {
        var answer = await _caller.SendAsync(
            "PUT",
            "/v1.0/invoke/grpc/method/a/b?x=1",
            "hello",
            ("content-type", "text/plain"),
            ("x-mine", "1"),
            ("user-agent", "test/1")
        );
        var echo = Parse(answer);
        Assert.Multiple(() =>
        {
            Assert.That((echo.Verb, echo.Target, echo.Body), Is.EqualTo(("Put", "a/b?x=1", "hello")));
            Assert.That(echo.Headers["x-mine"], Is.EqualTo("1"));
            Assert.That(echo.Headers["dapr-user-agent"], Is.EqualTo("test/1"));
            Assert.That(echo.Headers["dapr-api-token"], Is.EqualTo("app-token"));
            Assert.That(echo.Headers["dapr-caller-app-id"], Is.EqualTo("caller"));
            Assert.That(answer.ContentType, Is.EqualTo("application/json"));
            Assert.That(answer.Header("x-app"), Is.EqualTo("yes"));
        });
    }

    [TestCase(StatusCode.NotFound, 404)]
    [TestCase(StatusCode.InvalidArgument, 400)]
    [TestCase(StatusCode.PermissionDenied, 403)]
    [TestCase(StatusCode.Unavailable, 503)]
    [TestCase(StatusCode.Internal, 500)]
    public async Task Invoke_GrpcAppFails_StatusIsTranslated(StatusCode code, int status)
    {
        var answer = await _caller.GetAsync($"/v1.0/invoke/grpc/method/status/{(int)code}");
        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(answer.Json.GetProperty("message").GetString(), Is.EqualTo("scripted"));
    }

    [Test]
    public async Task InvokeService_HttpApp_StatusIsInTheHeaders()
    {
        using var call = Call("http", "a/b", Verb.Delete, "x=1", new Metadata { { "x-mine", "1" } });
        var response = await call;
        var echo = JsonSerializer.Deserialize<Echo>(response.Data.Value.Span, JsonSerializerOptions.Web)!;
        var headers = await call.ResponseHeadersAsync;
        Assert.Multiple(() =>
        {
            Assert.That((echo.Verb, echo.Target, echo.Body), Is.EqualTo(("DELETE", "/a/b?x=1", "hello")));
            Assert.That(echo.Headers["content-type"], Is.EqualTo("text/plain"));
            Assert.That(echo.Headers["x-mine"], Is.EqualTo("1"));
            Assert.That(headers.GetValue("dapr-http-status"), Is.EqualTo("200"));
            Assert.That(headers.GetValue("x-app"), Is.EqualTo("yes"));
            Assert.That(response.ContentType, Does.StartWith("application/json"));
        });
    }

    [TestCase(404, StatusCode.NotFound)]
    [TestCase(403, StatusCode.PermissionDenied)]
    [TestCase(409, StatusCode.AlreadyExists)]
    [TestCase(500, StatusCode.Unknown)]
    [TestCase(503, StatusCode.Unavailable)]
    public async Task InvokeService_HttpAppFails_StatusIsTranslated(int status, StatusCode code)
    {
        using var call = Call("http", $"status/{status}", Verb.Post);
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That((failure.Code, failure.Domain), Is.EqualTo((code, "dapr.io")));
        var headers = await call.ResponseHeadersAsync;
        Assert.That(headers.GetValue("dapr-http-status"), Is.EqualTo($"{status}"));
    }

    [Test]
    public async Task InvokeService_GrpcApp_GetsTheMessage()
    {
        using var call = Call("grpc", "do", Verb.Post, "q=1");
        var response = await call;
        var echo = JsonSerializer.Deserialize<Echo>(response.Data.Value.Span)!;
        Assert.That((echo.Verb, echo.Target, echo.Body), Is.EqualTo(("Post", "do?q=1", "hello")));
        Assert.That(echo.Headers["dapr-caller-app-id"], Is.EqualTo("caller"));
    }

    [Test]
    public async Task InvokeService_GrpcAppFails_ItsStatusPasses()
    {
        using var call = Call("grpc", $"status/{(int)StatusCode.FailedPrecondition}", Verb.Post);
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That((failure.Code, failure.Message), Is.EqualTo((StatusCode.FailedPrecondition, "scripted")));
    }

    [Test]
    public async Task InvokeService_GrpcAppIsDown_IsInternal()
    {
        await _grpc.DisposeAsync();
        using var call = Call("grpc", "x", Verb.Get);
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Internal));
        Assert.That(failure.Message, Does.StartWith("failed to invoke, id: grpc, err: "));
    }

    [Test]
    public async Task InvokeService_UnknownApp_IsInternal()
    {
        using var call = Call("nobody", "x", Verb.Get);
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Internal));
        Assert.That(failure.Message, Does.StartWith("failed to invoke, id: nobody, err: "));
    }

    private AsyncUnaryCall<InvokeResponse> Call(
        string id,
        string method,
        Verb verb,
        string query = "",
        Metadata? headers = null
    ) =>
        _sidecar
            .Client("caller")
            .InvokeServiceAsync(
                new InvokeServiceRequest
                {
                    Id = id,
                    Message = new InvokeRequest
                    {
                        Method = method,
                        ContentType = "text/plain",
                        Data = new Any { Value = ByteString.CopyFromUtf8("hello") },
                        HttpExtension = new HTTPExtension { Verb = verb, Querystring = query },
                    },
                },
                headers
            );

    private static Echo Parse(HttpAnswer answer) =>
        JsonSerializer.Deserialize<Echo>(answer.Body, JsonSerializerOptions.Web)
        ?? throw new AssertionException("no echo");
}
