using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Souk.Sidecar;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Health checks of apps: who is ill is left alone.</summary>
internal sealed class AppHealthTests : PubSubFixture
{
    // Ill is who says so, not who is slow.
    private static readonly AppHealthCheck Check = new()
    {
        Interval = TimeSpan.FromMilliseconds(50),
        Timeout = TimeSpan.FromMinutes(1),
        Threshold = 2,
    };

    [TestCase(true)]
    [TestCase(false)]
    public async Task Invoke_AppFallsIllAndRecovers_IsRefusedMeanwhile(bool grpc)
    {
        var app = Own(await EchoApp.StartAsync(grpc));
        using var caller = await StartAsync(app, grpc);
        await UntilAsync(caller, 200);
        Assert.That((await caller.GetAsync("/v1.0/healthz")).Status, Is.EqualTo(204));
        app.IsHealthy = false;
        await UntilAsync(caller, 500);
        var refused = await caller.GetAsync("/v1.0/invoke/app/method/x");
        Assert.That(refused.Message, Does.EndWith("app is not in a healthy state"));
        app.IsHealthy = true;
        await UntilAsync(caller, 200);
    }

    [Test]
    public async Task Health_AppNeverHealthy_IsNotReadyButOutboundIs()
    {
        var app = Own(await EchoApp.StartAsync());
        app.IsHealthy = false;
        using var caller = await StartAsync(app, grpc: false);
        var health = await caller.GetAsync("/v1.0/healthz");
        Assert.That(health.Error, Is.EqualTo((500, "ERR_HEALTH_NOT_READY", "")));
        Assert.That((await caller.GetAsync("/v1.0/healthz/outbound")).Status, Is.EqualTo(204));
    }

    [Test]
    public async Task Deliveries_AppFallsIllAndRecovers_WaitAtTheBrokerMeanwhile()
    {
        var topic = Topic();
        var (isWell, whileIll) = (true, 0);
        var app = Own(
            await HttpTestApp.StartAsync(async context =>
            {
                var path = context.Request.Path.Value;
                if (path == "/event" && !Volatile.Read(ref isWell))
                    Interlocked.Increment(ref whileIll);
                if (path == "/healthz" && !Volatile.Read(ref isWell))
                    context.Response.StatusCode = 500;
                else if (path == "/dapr/config")
                    context.Response.StatusCode = 404;
                else if (path == "/dapr/subscribe")
                    await context.Response.WriteAsync(
                        $$"""[{"pubsubname":"pubsub","topic":"{{topic}}","route":"/event"}]"""
                    );
            })
        );
        var spec = TestSidecar.App(Subscriber, app.Port) with { Protocol = "http", HealthCheck = Check };
        var sidecar = await StartAsync(Yaml.RedisPubSub(), spec);
        await PublishAsync(sidecar, topic, "1");
        await Eventually.ThatAsync(() => Delivered().Length == 1, "the first event");
        await SettledAsync(topic, Subscriber);
        Volatile.Write(ref isWell, false);
        await Eventually.ThatAsync(async () => await SubscriptionsAsync() == 0, "deliveries to stop");
        await PublishAsync(sidecar, topic, "2");
        await PublishAsync(sidecar, topic, "3");
        Assert.That(Delivered(), Has.Length.EqualTo(1));
        Volatile.Write(ref isWell, true);
        await Eventually.ThatAsync(() => Delivered().Length >= 3, "the others");
        Assert.That(Delivered(), Is.EquivalentTo(new[] { 1, 2, 3 }));
        Assert.That((whileIll, await SubscriptionsAsync()), Is.EqualTo((0, 1)));

        int[] Delivered() =>
            [
                .. app
                    .Requests.Where(request => request.Line == "POST /event")
                    .Select(request => JsonDocument.Parse(request.Body).RootElement)
                    .Select(envelope => envelope.GetProperty("data").GetInt32()),
            ];

        async Task<int> SubscriptionsAsync() =>
            (await sidecar.Client(Subscriber).GetMetadataAsync(new())).Subscriptions.Count;
    }

    [Test]
    public async Task OnBindingEvent_GrpcAppFallsIllAndRecovers_DoesNotFireMeanwhile()
    {
        var (isWell, asked) = (true, 0);
        var app = Own(await TopicApp.StartAsync());
        app.Bindings.Add("tick");
        app.IsHealthy = () => Interlocked.Increment(ref asked) > 0 && Volatile.Read(ref isWell);
        var tick = Yaml.Component("tick", "bindings.cron", "v1", Yaml.Item("schedule", "@every 20ms"));
        var spec = TestSidecar.App("app", app.Port) with { HealthCheck = Check };
        Own(await TestSidecar.StartAsync(tick, spec));
        await FiredAsync(3);
        Volatile.Write(ref isWell, false);
        // The question after those of the threshold is asked when the bindings have stopped.
        await AskedAsync(Check.Threshold + 3);
        var fired = app.Fired.Count;
        await AskedAsync(5);
        Assert.That(app.Fired, Has.Count.EqualTo(fired));
        Volatile.Write(ref isWell, true);
        await FiredAsync(fired + 3);

        Task FiredAsync(int count) => Eventually.ThatAsync(() => app.Fired.Count >= count, $"{count} ticks");

        Task AskedAsync(int times)
        {
            var until = Volatile.Read(ref asked) + times;
            return Eventually.ThatAsync(() => Volatile.Read(ref asked) >= until, $"{times} health checks");
        }
    }

    [Test]
    public async Task Invoke_MaxConcurrency_IsNeverPassed()
    {
        var app = Own(await EchoApp.StartAsync());
        var (now, most) = (0, 0);
        app.Pause = async () =>
        {
            var running = Interlocked.Increment(ref now);
            most = Math.Max(most, running);
            await Task.Delay(20);
            Interlocked.Decrement(ref now);
        };
        var spec = TestSidecar.App("app", app.Port) with { Protocol = "http", MaxConcurrency = 2 };
        var sidecar = Own(await TestSidecar.StartAsync("", spec));
        using var caller = sidecar.Http("app");
        var calls = Enumerable.Range(0, 12).Select(_ => caller.GetAsync("/v1.0/invoke/app/method/x"));
        var answers = await Task.WhenAll(calls);
        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(200));
        Assert.That(most, Is.InRange(1, 2));
    }

    private async Task<HttpCaller> StartAsync(EchoApp app, bool grpc)
    {
        var spec = TestSidecar.App("app", app.Port) with
        {
            Protocol = grpc ? "grpc" : "http",
            HealthCheck = Check,
        };
        return Own(await TestSidecar.StartAsync("", spec)).Http("app");
    }

    private static Task UntilAsync(HttpCaller caller, int status) =>
        Eventually.ThatAsync(
            async () => (await caller.GetAsync("/v1.0/invoke/app/method/x")).Status == status,
            $"status {status}"
        );
}
