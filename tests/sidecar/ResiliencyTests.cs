using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Resiliency files at work on calls to apps.</summary>
internal sealed class ResiliencyTests : SidecarFixture
{
    [Test]
    public async Task Retry_HttpAppFailsTwice_ThirdAttemptAnswers()
    {
        var (app, caller) = await HttpAsync("{ policy: constant, duration: 10ms, maxRetries: 3 }");
        app.FailuresLeft = 2;
        var answer = await caller.PostAsync("/v1.0/invoke/app/method/status/503", "kept");
        Assert.That((answer.Status, app.Calls), Is.EqualTo((200, 3)));
        Assert.That(answer.Body, Does.Contain("kept"));
    }

    [Test]
    public async Task Retry_Exhausted_LastAnswerPasses()
    {
        var (app, caller) = await HttpAsync("{ policy: constant, duration: 10ms, maxRetries: 2 }");
        var answer = await caller.GetAsync("/v1.0/invoke/app/method/status/429");
        Assert.That((answer.Status, answer.Body, app.Calls), Is.EqualTo((429, "scripted", 3)));
    }

    [TestCase(500, 1)]
    [TestCase(503, 3)]
    public async Task Retry_Matching_OnlyListedCodesAreTriedAgain(int status, int calls)
    {
        var (app, caller) = await HttpAsync(
            "{ policy: constant, duration: 10ms, maxRetries: 2, matching: { httpStatusCodes: '429,501-599' } }"
        );
        var answer = await caller.GetAsync($"/v1.0/invoke/app/method/status/{status}");
        Assert.That((answer.Status, app.Calls), Is.EqualTo((status, calls)));
    }

    [Test]
    public async Task Retry_Exponential_IsTriedAgain()
    {
        var (app, caller) = await HttpAsync("{ policy: exponential, maxInterval: 20ms, maxRetries: 2 }");
        app.FailuresLeft = 2;
        var answer = await caller.GetAsync("/v1.0/invoke/app/method/status/500");
        Assert.That((answer.Status, app.Calls), Is.EqualTo((200, 3)));
    }

    [Test]
    public async Task Retry_DefaultPolicyByName_HoldsWhereNoTargetIsListed()
    {
        const string Policies = """
            retries:
              DefaultAppRetryPolicy: { policy: constant, duration: 10ms, maxRetries: 1 }
            """;
        var (app, caller) = await StartAsync(false, Policies, "{}");
        await caller.GetAsync("/v1.0/invoke/app/method/status/500");
        Assert.That(app.Calls, Is.EqualTo(2));
    }

    [Test]
    public async Task Timeout_SlowApp_IsDirectInvoke()
    {
        var (app, caller) = await StartAsync(
            false,
            "timeouts: { short: 100ms }",
            "apps: { app: { timeout: short } }"
        );
        app.Pause = () => Task.Delay(TimeSpan.FromMinutes(10));
        var answer = await caller.GetAsync("/v1.0/invoke/app/method/x");
        Assert.That(answer.Error, Is.EqualTo((500, "ERR_DIRECT_INVOKE", "")));
    }

    [Test]
    public async Task CircuitBreaker_Trips_RefusesWithoutTheApp()
    {
        var (app, caller) = await WithBreakerAsync(open: "1h");
        Assert.That((await caller.GetAsync(Failing500)).Body, Is.EqualTo("scripted"));
        Assert.That((await caller.GetAsync(Failing500)).Body, Is.EqualTo("scripted"));
        var refused = await caller.GetAsync(Failing500);
        Assert.That(refused.Message, Is.EqualTo("failed to invoke, id: app, err: circuit breaker is open"));
        Assert.That(app.Calls, Is.EqualTo(2));
    }

    [Test]
    public async Task CircuitBreaker_OpenForItsTime_LetsOneTryAndCloses()
    {
        var (app, caller) = await WithBreakerAsync(open: "50ms");
        await caller.GetAsync(Failing500);
        await caller.GetAsync(Failing500);
        await Eventually.ThatAsync(
            async () => (await caller.GetAsync(Failing500)).Status == 200,
            "the circuit to close"
        );
        Assert.That((await caller.GetAsync(Failing500)).Status, Is.EqualTo(200));
        Assert.That(app.Calls, Is.EqualTo(4));
    }

    [TestCase("4", 1)]
    [TestCase("14", 3)]
    public async Task Retry_ProxiedUnaryCall_IsTriedAgainByItsCode(string codes, int calls)
    {
        var (app, sidecar) = await GrpcAsync(
            $"{{ policy: constant, duration: 10ms, maxRetries: 2, matching: {{ gRPCStatusCodes: '{codes}' }} }}"
        );
        var call = Proxied(sidecar).OnInvokeAsync(Failing(StatusCode.Unavailable), Target());
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That((failure.Code, app.Calls), Is.EqualTo((StatusCode.Unavailable, calls)));
    }

    [Test]
    public async Task Retry_ProxiedUnaryCall_SecondAttemptAnswers()
    {
        var (app, sidecar) = await GrpcAsync("{ policy: constant, duration: 10ms, maxRetries: 2 }");
        app.FailuresLeft = 1;
        var reply = await Proxied(sidecar).OnInvokeAsync(Failing(StatusCode.Internal), Target());
        Assert.That(reply.Data.Value.ToStringUtf8(), Does.Contain("status/13"));
        Assert.That(app.Calls, Is.EqualTo(2));
    }

    [Test]
    public async Task Retry_ProxiedCallMarkedAsStream_IsMadeOnce()
    {
        var (app, sidecar) = await GrpcAsync("{ policy: constant, duration: 10ms, maxRetries: 2 }");
        var headers = Target();
        headers.Add("dapr-stream", "true");
        var call = Proxied(sidecar).OnInvokeAsync(Failing(StatusCode.Internal), headers);
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That((failure.Code, app.Calls), Is.EqualTo((StatusCode.Internal, 1)));
    }

    [TestCase("retries: { r: { policy: sometimes } }", "{}", "must be constant or exponential")]
    [TestCase("circuitBreakers: { c: { trip: 'requests >' } }", "{}", "trip is no expression")]
    [TestCase("timeouts: { t: soon }", "{}", "must be a duration")]
    [TestCase(
        "{}",
        "apps: { app: { retry: nowhere } }",
        "names 'nowhere', which is not among policies.retries"
    )]
    public async Task Read_Mistake_NamesTheField(string policies, string targets, string message)
    {
        var failure = await TestSidecar.MistakeAsync(
            Yaml.Resiliency(policies, targets),
            TestSidecar.App("app")
        );
        Assert.That(failure.Message, Does.Contain(message).And.Match(@"components\.yaml:\d+: "));
    }

    private const string Failing500 = "/v1.0/invoke/app/method/status/500";

    /// <summary>An app that fails twice, and a breaker that opens then.</summary>
    private async Task<(EchoApp App, HttpCaller Caller)> WithBreakerAsync(string open)
    {
        var policies = $$"""
            circuitBreakers:
              breaker: { maxRequests: 1, timeout: {{open}}, trip: consecutiveFailures >= 2 }
            """;
        var (app, caller) = await StartAsync(false, policies, "apps: { app: { circuitBreaker: breaker } }");
        app.FailuresLeft = 2;
        return (app, caller);
    }

    private async Task<(EchoApp App, HttpCaller Caller)> HttpAsync(string retry)
    {
        var (app, caller) = await StartAsync(false, $"retries: {{ again: {retry} }}", Again);
        return (app, caller);
    }

    private async Task<(EchoApp App, TestSidecar Sidecar)> GrpcAsync(string retry)
    {
        var app = Own(await EchoApp.StartAsync(grpc: true));
        var document = Yaml.Resiliency($"retries: {{ again: {retry} }}", Again);
        var sidecar = Own(
            await TestSidecar.StartAsync(
                document,
                TestSidecar.App("caller"),
                TestSidecar.App("app", app.Port)
            )
        );
        return (app, sidecar);
    }

    private async Task<(EchoApp App, HttpCaller Caller)> StartAsync(
        bool grpc,
        string policies,
        string targets
    )
    {
        var app = Own(await EchoApp.StartAsync(grpc));
        var sidecar = Own(
            await TestSidecar.StartAsync(
                new SidecarSettings(),
                Yaml.Resiliency(policies, targets),
                TestSidecar.App("caller"),
                TestSidecar.App("app", app.Port) with
                {
                    Protocol = grpc ? "grpc" : "http",
                }
            )
        );
        return (app, sidecar.Http("caller"));
    }

    private const string Again = "apps: { app: { retry: again } }";

    private static AppCallback.AppCallbackClient Proxied(TestSidecar sidecar) =>
        new(sidecar.Channel("caller"));

    private static InvokeRequest Failing(StatusCode code) => new() { Method = $"status/{(int)code}" };

    private static Metadata Target() => new() { { "dapr-app-id", "app" } };
}
