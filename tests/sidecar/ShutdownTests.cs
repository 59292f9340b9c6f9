using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Souk.Sidecar;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>
/// A sidecar on its way out: events that an app has under way are finished, others wait for its next life.
/// </summary>
internal sealed class ShutdownTests : PubSubFixture
{
    private TaskCompletionSource _held = new();

    [SetUp]
    public void Hold() => _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [TestCase("SIGTERM")]
    [TestCase("POST /v1.0/shutdown")]
    [TestCase("Shutdown")]
    public async Task Shutdown_EventUnderWay_IsFinishedAndNeverComesAgain(string how)
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var held = new TaskCompletionSource<Verdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        app.Answer = _ => held.Task;
        var sidecar = await StartProcessAsync(topic, app, drainSeconds: 120);
        await PublishAsync(sidecar, topic, "first");
        await app.UntilAsync(1);
        var exit = Begin(sidecar, how);
        using var http = new HttpCaller(sidecar.HttpPort);
        await UntilUnreadyAsync(http);
        // The app may still need its sidecar for what it has under way.
        Assert.That((await http.GetAsync("/v1.0/healthz/outbound")).Status, Is.EqualTo(204));
        await PublishAsync(sidecar, topic, "second");
        app.Answer = _ => Task.FromResult(Verdict.Success);
        held.SetResult(Verdict.Success);
        Assert.That(await exit, Is.Zero);
        await sidecar.StartAsync();
        await app.UntilAsync(2);
        Assert.That(DataOf(app), Is.EqualTo(new[] { "first", "second" }));
        await SettledAsync(topic, "drain" + topic);
    }

    [Test]
    public async Task Shutdown_EventHeldPastTheLimit_ComesAgain()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        app.Answer = async _ =>
        {
            await _held.Task;
            return Verdict.Success;
        };
        var sidecar = await StartProcessAsync(topic, app, drainSeconds: 1);
        await PublishAsync(sidecar, topic, "held");
        await app.UntilAsync(1);
        Assert.That(await sidecar.TerminateAsync(), Is.Zero);
        app.Answer = _ => Task.FromResult(Verdict.Success);
        await sidecar.StartAsync();
        await app.UntilAsync(2);
        Assert.That(DataOf(app), Is.EqualTo(new[] { "held", "held" }));
        _held.SetResult();
    }

    [TestCase("")]
    [TestCase(""","bulkSubscribe":{"enabled":true,"maxMessagesCount":1,"maxAwaitDurationMs":50}""")]
    public async Task Shutdown_HttpAppHasAnEvent_IsFinishedAndNeverComesAgain(string bulk)
    {
        var topic = Topic();
        var app = Own(
            await HttpTopicApp.StartAsync(
                $$$"""[{"pubsubname":"pubsub","topic":"{{{topic}}}","route":"/events"{{{bulk}}}}]"""
            )
        );
        var sidecar = await StartPatientAsync(RedisAndRetries, HttpApp(app));
        app.Answer = call =>
        {
            _held.Task.GetAwaiter().GetResult();
            return (200, bulk.Length > 0 ? call.AllTaken() : "");
        };
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1);
        var stopping = sidecar.ShutDownAsync();
        using var http = sidecar.Http(Subscriber);
        await UntilUnreadyAsync(http);
        _held.SetResult();
        await stopping;
        Assert.That((await RedisAsync("XPENDING", topic, Subscriber)).Items[0].Integer, Is.Zero);
    }

    [Test]
    public async Task Shutdown_StreamHasAnEvent_TakesItsVerdictThenEndsTheStream()
    {
        var topic = Topic();
        var sidecar = await StartPatientAsync(RedisAndRetries, TestSidecar.App(Subscriber));
        var client = sidecar.Client(Subscriber);
        var stream = Own(await TopicStream.OpenAsync(client, TopicStream.To(topic), _ => null));
        await PublishAsync(sidecar, topic, "1");
        var received = (await stream.UntilAsync(1))[0];
        using var http = sidecar.Http(Subscriber);
        // A call that holds the end back until the stream was seen to end.
        var site = Own(await HttpTestApp.StartAsync(_ => _held.Task));
        var call = http.GetAsync($"/v1.0/invoke/http://127.0.0.1:{site.Port}/method/x");
        await Eventually.ThatAsync(() => !site.Requests.IsEmpty, "the call to arrive");
        var stopping = sidecar.ShutDownAsync();
        await UntilUnreadyAsync(http);
        await PublishAsync(sidecar, topic, "2");
        await stream.ProcessAsync(received.Id, Verdict.Success);
        var end = await Assert.ThrowsAsync<RpcException>(() => stream.Reading);
        Assert.That(end!.StatusCode, Is.EqualTo(StatusCode.Unavailable));
        Assert.That(stream.Events, Has.Count.EqualTo(1));
        _held.SetResult();
        await call;
        await stopping;
        await sidecar.RestartAsync();
        var next = Own(await TopicStream.OpenAsync(client, TopicStream.To(topic)));
        Assert.That((await next.UntilAsync(1))[0].Data.ToStringUtf8(), Is.EqualTo("2"));
    }

    [Test]
    public async Task Shutdown_EventsWaitForAWorkerOrTheirNextAttempt_AreLeftToTheNextSidecar()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        app.Answer = async received =>
        {
            if (received.Data.ToStringUtf8() == "refused")
                return Verdict.Retry;
            await _held.Task;
            return Verdict.Success;
        };
        var one = Yaml.Item("concurrency", "1");
        var sidecar = await StartPatientAsync(
            Yaml.RedisPubSub(metadata: one) + Yaml.Retries(-1, "1h"),
            TestSidecar.App(Subscriber, app.Port)
        );
        foreach (var data in (string[])["refused", "held", "waiting"])
            await PublishAsync(sidecar, topic, data, "text/plain");
        await app.UntilAsync(2);
        var stopping = sidecar.ShutDownAsync();
        using var http = sidecar.Http(Subscriber);
        await UntilUnreadyAsync(http);
        _held.SetResult();
        await stopping;
        Assert.That(DataOf(app), Is.EquivalentTo(new[] { "refused", "held" }));
        app.Answer = _ => Task.FromResult(Verdict.Success);
        await sidecar.RestartAsync();
        await app.UntilAsync(4);
        Assert.That(DataOf(app).Skip(2), Is.EquivalentTo(new[] { "refused", "waiting" }));
    }

    [Test]
    public async Task Shutdown_BlockDuration_ServesWithoutNewEventsUntilTheAppIsIll()
    {
        var app = Own(await EchoApp.StartAsync());
        var settings = Patient with { BlockShutdown = TimeSpan.FromHours(1) };
        var check = new AppHealthCheck
        {
            Interval = TimeSpan.FromMilliseconds(50),
            Timeout = TimeSpan.FromMinutes(1),
            Threshold = 1,
        };
        var spec = TestSidecar.App("app", app.Port) with { Protocol = "http", HealthCheck = check };
        var sidecar = Own(await TestSidecar.StartAsync(settings, "", spec));
        using var http = sidecar.Http("app");
        async Task<bool> IsReadyAsync() => (await http.GetAsync("/v1.0/healthz")).Status == 204;
        await Eventually.ThatAsync(IsReadyAsync, "the app to be well");
        var stopping = sidecar.ShutDownAsync();
        await UntilUnreadyAsync(http);
        Assert.That((await http.GetAsync("/v1.0/invoke/app/method/x")).Status, Is.EqualTo(200));
        Assert.That(stopping.IsCompleted, Is.False);
        app.IsHealthy = false;
        await stopping.WaitAsync(TimeSpan.FromSeconds(90));
    }

    [Test]
    public async Task Shutdown_CronFired_TheAppFinishesAndIsNotCalledAgain()
    {
        var app = Own(
            await HttpTestApp.StartAsync(context =>
                HttpMethods.IsPost(context.Request.Method) ? _held.Task : Task.CompletedTask
            )
        );
        var cron = Yaml.Cron("tick", "@every 50ms");
        var spec = TestSidecar.App("app", app.Port) with { Protocol = "http" };
        var sidecar = Own(await TestSidecar.StartAsync(Patient, cron, spec));
        int Fired() => app.Requests.Count(seen => seen.Line == "POST /tick");
        await Eventually.ThatAsync(() => Fired() == 1, "the first tick");
        var stopping = sidecar.ShutDownAsync();
        using var http = sidecar.Http("app");
        await UntilUnreadyAsync(http);
        Assert.That(stopping.IsCompleted, Is.False);
        _held.SetResult();
        await stopping;
        Assert.That(Fired(), Is.EqualTo(1));
    }

    // A machine that stalls must not turn a test of the end into one of the limit.
    private static SidecarSettings Patient => new() { DrainTimeout = TimeSpan.FromMinutes(2) };

    private async Task<TestSidecar> StartPatientAsync(string components, params AppSpec[] apps) =>
        Own(await TestSidecar.StartAsync(Patient, components, [TestSidecar.App(Publisher), .. apps]));

    private async Task<SidecarProcess> StartProcessAsync(string topic, TopicApp app, int drainSeconds) =>
        Own(
            await SidecarProcess.StartAsync(
                RedisAndRetries,
                "drain" + topic,
                app.Port,
                flags: ["--dapr-graceful-shutdown-seconds", $"{drainSeconds}"]
            )
        );

    private static string RedisAndRetries => Yaml.RedisPubSub() + Yaml.Retries(-1);

    private static IReadOnlyList<string> DataOf(TopicApp app) =>
        [.. app.Events.Select(item => item.Data.ToStringUtf8())];

    private static async Task<int> Begin(SidecarProcess sidecar, string how)
    {
        if (how == "SIGTERM")
            return await sidecar.TerminateAsync();
        using var http = new HttpCaller(sidecar.HttpPort);
        if (how == "Shutdown")
            await sidecar.Client.ShutdownAsync(new ShutdownRequest());
        else
            Assert.That((await http.PostAsync("/v1.0/shutdown", "")).Status, Is.EqualTo(204));
        return await sidecar.ExitAsync();
    }

    private static Task UntilUnreadyAsync(HttpCaller http) =>
        Eventually.ThatAsync(
            async () => (await http.GetAsync("/v1.0/healthz")).Status == 500,
            "the sidecar to be ready no more"
        );

    private static async Task PublishAsync(SidecarProcess sidecar, string topic, string data) =>
        await sidecar.Client.PublishEventAsync(PublishRequest.Of(topic, data));
}
