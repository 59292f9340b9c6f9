using Microsoft.AspNetCore.Http;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>Resiliency files at work on what components bring to an app.</summary>
internal sealed class InboundResiliencyTests : PubSubFixture
{
    [Test]
    public async Task OnTopicEvent_CircuitOpen_TheAppIsLeftAlone()
    {
        var topic = Topic();
        var (dead, app) = (topic + "-dead", await AppAsync(TopicApp.To(topic, topic + "-dead")));
        app.Subscriptions.Add(TopicApp.To(dead));
        app.Answer = item => Task.FromResult(item.Path == "/" + dead ? Verdict.Success : Verdict.Retry);
        var sidecar = await StartAsync(Policies(retries: 6, trip: 2, open: "1h"), App(app));
        await PublishAsync(sidecar, topic, "1");
        // Two attempts fail and open the circuit; the other retries are refused without the app, which gets
        // no dead letter either: that is a delivery, too.
        await Eventually.ThatAsync(
            async () => (await RedisAsync("XLEN", dead)).Integer == 1,
            "the dead letter"
        );
        Assert.That(app.Events.Select(item => item.Path), Is.EqualTo(new[] { "/" + topic, "/" + topic }));
    }

    [Test]
    public async Task OnTopicEvent_CircuitOpensAndAppRecovers_EventArrivesAndTheCircuitCloses()
    {
        var topic = Topic();
        var app = await AppAsync(TopicApp.To(topic));
        app.Answer = _ => Task.FromResult(app.Events.Count <= 2 ? Verdict.Retry : Verdict.Success);
        var sidecar = await StartAsync(Policies(retries: -1, trip: 2, open: "50ms"), App(app));
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(3);
        await SettledAsync(topic, Subscriber);
        await PublishAsync(sidecar, topic, "2");
        await app.UntilAsync(4);
        await SettledAsync(topic, Subscriber);
        Assert.That(app.Events.Select(item => item.Id).Distinct().Count(), Is.EqualTo(2));
    }

    [Test]
    public async Task OnTopicEvent_SlowerThanTheLimit_CountsInTheCircuit()
    {
        var topic = Topic();
        var app = await AppAsync(TopicApp.To(topic, topic + "-dead"));
        var never = new TaskCompletionSource<Verdict>();
        app.Answer = _ => never.Task;
        var policies = Policies(retries: 4, trip: 1, open: "1h", timeout: "100ms");
        var sidecar = await StartAsync(policies, App(app));
        await PublishAsync(sidecar, topic, "1");
        await Eventually.ThatAsync(
            async () => (await RedisAsync("XLEN", topic + "-dead")).Integer == 1,
            "the dead letter"
        );
        // On a slow machine the limit may pass before the app sees anything.
        Assert.That(app.Events, Has.Count.LessThan(2));
        never.SetResult(Verdict.Success);
    }

    [Test]
    public async Task Deliver_BulkCallFails_CountsOnceForAllItsEvents()
    {
        var topic = Topic();
        var app = Own(
            await HttpTopicApp.StartAsync(
                $$$"""
                [{"pubsubname":"pubsub","topic":"{{{topic}}}","route":"/bulk",
                  "deadLetterTopic":"{{{topic}}}-dead",
                  "bulkSubscribe":{"enabled":true,"maxMessagesCount":3,"maxAwaitDurationMs":60000}}]
                """
            )
        );
        app.Answer = _ => (500, "");
        var sidecar = await StartAsync(Policies(retries: 1, trip: 2, open: "1h"), HttpApp(app));
        for (var i = 0; i < 3; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        await Eventually.ThatAsync(
            async () => (await RedisAsync("XLEN", topic + "-dead")).Integer == 3,
            "three dead letters"
        );
        // Had each event counted, the first call would have opened the circuit and there were no second.
        Assert.That(app.Deliveries, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task OnBindingEvent_AppFails_IsTriedAgainAsThePolicySays()
    {
        var posts = 0;
        var app = Own(
            await HttpTestApp.StartAsync(context =>
            {
                if (HttpMethods.IsPost(context.Request.Method) && Interlocked.Increment(ref posts) <= 2)
                    context.Response.StatusCode = 503;
                return Task.CompletedTask;
            })
        );
        var cron = Yaml.Cron("tick", "@every 50ms");
        var spec = TestSidecar.App("app", app.Port) with { Protocol = "http" };
        Own(await TestSidecar.StartAsync(cron + Policies(retries: 5, name: "tick"), spec));
        string[] Times() =>
            [
                .. app
                    .Requests.Where(seen => seen.Line == "POST /tick")
                    .Select(seen => seen.Headers["readTimeUTC"]),
            ];
        await Eventually.ThatAsync(() => Times().Length >= 4, "four posts");
        Assert.That(Times().Take(3).Distinct().Count(), Is.EqualTo(1), "the same firing, three times");
        Assert.That(Times()[3], Is.Not.EqualTo(Times()[0]), "and then the next");
    }

    private async Task<TopicApp> AppAsync(Dapr.AppCallback.Autogen.Grpc.v1.TopicSubscription subscription) =>
        Own(await TopicApp.StartAsync(subscription));

    private static Souk.Sidecar.Files.AppSpec App(TopicApp app) => TestSidecar.App(Subscriber, app.Port);

    private new Task<TestSidecar> StartAsync(string policies, params Souk.Sidecar.Files.AppSpec[] apps) =>
        base.StartAsync(Yaml.RedisPubSub() + policies, apps);

    private static string Policies(
        int retries,
        int trip = 1000,
        string open = "1h",
        string timeout = "1h",
        string name = "pubsub"
    ) =>
        Yaml.Resiliency(
            $$"""
            timeouts: { limit: {{timeout}} }
            retries:
              again: { policy: constant, duration: 10ms, maxRetries: {{retries}} }
            circuitBreakers:
              circuit: { timeout: {{open}}, trip: consecutiveFailures >= {{trip}} }
            """,
            $$"""
            components:
              {{name}}: { inbound: { timeout: limit, retry: again, circuitBreaker: circuit } }
            """
        );
}
