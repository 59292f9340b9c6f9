using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>A sidecar on its way out: calls under way end as they would have, new ones are refused.</summary>
internal sealed class ShutdownCallTests : SidecarFixture
{
    private TaskCompletionSource _held = new();

    [SetUp]
    public void Hold() => _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Test]
    public async Task Shutdown_ProxiedCallUnderWay_EndsWellWhileNewOnesAreRefused()
    {
        var (sidecar, app) = await StartAsync(grpc: true);
        var callbacks = new AppCallback.AppCallbackClient(sidecar.Channel("app"));
        var target = new Metadata { { "dapr-app-id", "app" } };
        var call = callbacks.OnInvokeAsync(new InvokeRequest { Method = "held" }, target).ResponseAsync;
        var stopping = await BeginAsync(sidecar, app);
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await callbacks.OnInvokeAsync(new InvokeRequest { Method = "late" }, target)
        );
        Assert.That(refused!.StatusCode, Is.EqualTo(StatusCode.Unavailable));
        Assert.That(refused.Status.Detail, Does.Contain("shutting down"));
        // What the app has under way may need its sidecar.
        await sidecar.Client("app").SaveStateAsync(Item("k"));
        _held.SetResult();
        await call;
        await stopping;
        Assert.That(app.Calls, Is.EqualTo(1));
    }

    [Test]
    public async Task Shutdown_InvocationUnderWay_EndsWellWhileNewOnesAreRefused()
    {
        var (sidecar, app) = await StartAsync(grpc: false);
        using var http = sidecar.Http("app");
        var call = http.GetAsync("/v1.0/invoke/app/method/held");
        var stopping = await BeginAsync(sidecar, app);
        var refused = await http.GetAsync("/v1.0/invoke/app/method/late");
        Assert.That(refused.Error, Is.EqualTo((500, "ERR_DIRECT_INVOKE", "")));
        Assert.That(refused.Message, Does.EndWith("shutting down"));
        _held.SetResult();
        Assert.That((await call).Status, Is.EqualTo(200));
        await stopping;
        Assert.That(app.Calls, Is.EqualTo(1));
    }

    [Test]
    public async Task Shutdown_CallThatDoesNotEnd_IsCutOffAtTheLimit()
    {
        var (sidecar, app) = await StartAsync(grpc: true, limit: TimeSpan.FromMilliseconds(200));
        var callbacks = new AppCallback.AppCallbackClient(sidecar.Channel("app"));
        var target = new Metadata { { "dapr-app-id", "app" } };
        var call = callbacks.OnInvokeAsync(new InvokeRequest { Method = "held" }, target).ResponseAsync;
        await Eventually.ThatAsync(() => app.Calls == 1, "the call to arrive");
        await sidecar.ShutDownAsync();
        var failure = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.That(
            failure!.StatusCode,
            Is.AnyOf(StatusCode.Unavailable, StatusCode.Cancelled, StatusCode.Internal)
        );
        _held.SetResult();
    }

    [Test]
    public async Task Shutdown_AppHasNothingUnderWay_EveryNewCallIsRefusedUntilTheLastEnds()
    {
        var site = Own(await HttpTestApp.StartAsync(_ => _held.Task));
        var (sidecar, _) = await StartAsync(grpc: true);
        using var http = sidecar.Http("app");
        var outgoing = http.GetAsync($"/v1.0/invoke/http://127.0.0.1:{site.Port}/method/x");
        await Eventually.ThatAsync(() => !site.Requests.IsEmpty, "the call to arrive");
        var stopping = sidecar.ShutDownAsync();
        async Task<bool> IsClosedAsync() => (await http.GetAsync("/v1.0/healthz/outbound")).Status == 500;
        await Eventually.ThatAsync(IsClosedAsync, "the sidecar to take no calls");
        var overHttp = await http.GetAsync("/v1.0/state/store/k");
        var overGrpc = await DaprFailure.OfAsync(async () =>
            await sidecar.Client("app").SaveStateAsync(Item("k"))
        );
        Assert.That(overHttp.Error, Is.EqualTo((500, "ERR_OUTBOUND_HEALTH_NOT_READY", "")));
        Assert.That(overGrpc.Code, Is.EqualTo(StatusCode.Unavailable));
        Assert.That(stopping.IsCompleted, Is.False);
        _held.SetResult();
        Assert.That((await outgoing).Status, Is.EqualTo(200));
        await stopping;
    }

    [Test]
    public async Task Shutdown_StateCallUnderWay_EndsWell()
    {
        var redis = Own(await RedisProcess.StartAsync());
        var store = Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}") + Yaml.Item("readTimeout", "60s");
        var sidecar = Own(
            await TestSidecar.StartAsync(
                Patient,
                Yaml.Component("store", "state.redis", "v1", store),
                TestSidecar.App("app")
            )
        );
        await sidecar.Client("app").SaveStateAsync(Item("before"));
        await redis.ExecuteAsync("CLIENT", "PAUSE", "60000", "WRITE");
        var saving = sidecar.Client("app").SaveStateAsync(Item("during")).ResponseAsync;
        using var http = sidecar.Http("app");
        async Task<bool> IsUnderWayAsync() =>
            (await redis.ExecuteAsync("INFO", "clients")).Text.Contains(
                "blocked_clients:1",
                StringComparison.Ordinal
            );
        await Eventually.ThatAsync(IsUnderWayAsync, "the save to reach Redis");
        var stopping = sidecar.ShutDownAsync();
        async Task<bool> IsClosedAsync() => (await http.GetAsync("/v1.0/healthz/outbound")).Status == 500;
        await Eventually.ThatAsync(IsClosedAsync, "the sidecar to take no calls");
        await redis.ExecuteAsync("CLIENT", "UNPAUSE");
        await saving;
        await stopping;
    }

    [Test]
    public async Task Shutdown_SeveralAppsOfOneProcess_CallEachOtherForWhatTheyHaveUnderWay()
    {
        var topic = Topic();
        var other = Own(await EchoApp.StartAsync());
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var sidecar = Own(
            await TestSidecar.StartAsync(
                Patient,
                Yaml.RedisPubSub() + Yaml.Retries(-1),
                TestSidecar.App("app", app.Port),
                TestSidecar.App("other", other.Port) with
                {
                    Protocol = "http",
                }
            )
        );
        using var http = sidecar.Http("app");
        app.Answer = async _ =>
        {
            await _held.Task;
            var answer = await http.GetAsync("/v1.0/invoke/other/method/x");
            return answer.Status == 200
                ? TopicEventResponse.Types.TopicEventResponseStatus.Success
                : TopicEventResponse.Types.TopicEventResponseStatus.Drop;
        };
        await sidecar
            .Client("app")
            .PublishEventAsync(new PublishEventRequest { PubsubName = "pubsub", Topic = topic });
        await app.UntilAsync(1);
        var stopping = sidecar.ShutDownAsync();
        await UntilUnreadyAsync(http);
        _held.SetResult();
        await stopping;
        Assert.That(other.Calls, Is.EqualTo(1));
    }

    // A machine that stalls must not turn a test of the end into one of the limit.
    private static SidecarSettings Patient => new() { DrainTimeout = TimeSpan.FromMinutes(2) };

    private async Task<(TestSidecar, EchoApp)> StartAsync(bool grpc, TimeSpan? limit = null)
    {
        var app = Own(await EchoApp.StartAsync(grpc));
        app.Pause = () => _held.Task;
        var spec = TestSidecar.App("app", app.Port) with { Protocol = grpc ? "grpc" : "http" };
        var settings = Patient with { DrainTimeout = limit ?? Patient.DrainTimeout };
        var store = Yaml.Component("store", "state.in-memory", "v1", Yaml.Item("unused", "x"));
        return (Own(await TestSidecar.StartAsync(settings, store, spec)), app);
    }

    private static async Task<Task> BeginAsync(TestSidecar sidecar, EchoApp app)
    {
        await Eventually.ThatAsync(() => app.Calls == 1, "the call to arrive");
        var stopping = sidecar.ShutDownAsync();
        using (var http = sidecar.Http("app"))
            await UntilUnreadyAsync(http);
        return stopping;
    }

    private static Task UntilUnreadyAsync(HttpCaller http) =>
        Eventually.ThatAsync(
            async () => (await http.GetAsync("/v1.0/healthz")).Status == 500,
            "the sidecar to be ready no more"
        );

    private static SaveStateRequest Item(string key)
    {
        var request = new SaveStateRequest { StoreName = "store" };
        request.States.Add(new StateItem { Key = key, Value = ByteString.CopyFromUtf8("v") });
        return request;
    }
}
