using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Deliveries to apps that speak HTTP.</summary>
internal sealed class HttpDeliveryTests : PubSubFixture
{
    [Test]
    public async Task Subscribe_OneRoute_PostsTheCloudEvent()
    {
        var topic = Topic();
        var (sidecar, app) = await StartHttpAsync(One(topic));
        const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        await PublishAsync(
            sidecar,
            topic,
            """{"b":1,"a":"ü"}""",
            "application/json",
            ("cloudevent.traceparent", Trace)
        );
        var received = (await app.UntilAsync(1))[0];
        Assert.Multiple(() =>
        {
            Assert.That(received.Path, Is.EqualTo("/events"));
            Assert.That(received.Headers["content-type"], Is.EqualTo("application/cloudevents+json"));
            Assert.That(received.Headers["traceparent"], Is.EqualTo(Trace));
            Assert.That(received["source"].GetString(), Is.EqualTo(Publisher));
            Assert.That(received["type"].GetString(), Is.EqualTo("com.dapr.event.sent"));
            Assert.That(received["specversion"].GetString(), Is.EqualTo("1.0"));
            Assert.That(received["datacontenttype"].GetString(), Is.EqualTo("application/json"));
            Assert.That(received["topic"].GetString(), Is.EqualTo(topic));
            Assert.That(received["pubsubname"].GetString(), Is.EqualTo("pubsub"));
            Assert.That(received["data"].GetRawText(), Is.EqualTo("""{"b":1,"a":"ü"}"""));
            Assert.That(Guid.TryParse(received["id"].GetString(), out _));
        });
    }

    [Test]
    public async Task Subscribe_BinaryData_ComesAsBase64()
    {
        var topic = Topic();
        var (sidecar, app) = await StartHttpAsync(One(topic));
        await PublishAsync(sidecar, topic, "abc", "application/octet-stream");
        var received = (await app.UntilAsync(1))[0];
        Assert.That(received["data_base64"].GetBytesFromBase64(), Is.EqualTo("abc"u8.ToArray()));
    }

    [Test]
    public async Task Subscribe_RawPayload_IsWrapped()
    {
        var topic = Topic();
        var (sidecar, app) = await StartHttpAsync(
            $$$"""
            [{"pubsubname":"pubsub","topic":"{{{topic}}}","route":"raw","metadata":{"rawPayload":"true"}}]
            """
        );
        await PublishAsync(sidecar, topic, "not an event", "text/plain", ("rawPayload", "true"));
        var received = (await app.UntilAsync(1))[0];
        Assert.That(received.Path, Is.EqualTo("/raw"));
        Assert.That(received["data_base64"].GetBytesFromBase64(), Is.EqualTo("not an event"u8.ToArray()));
        Assert.That(received["datacontenttype"].GetString(), Is.EqualTo("application/octet-stream"));
        Assert.That(received["source"].GetString(), Is.EqualTo("Dapr"));
    }

    [TestCase(200, "")]
    [TestCase(204, "")]
    [TestCase(200, """{"status":"SUCCESS"}""")]
    [TestCase(201, "thank you")]
    [TestCase(200, """{"other":1}""")]
    [TestCase(200, """[1]""")]
    public async Task Deliver_TakenInOneOfManyWays_ComesOnce(int status, string body)
    {
        var topic = Topic();
        var (sidecar, app) = await StartHttpAsync(One(topic), Yaml.Retries(-1));
        app.Answer = _ => (status, body);
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1);
        await SettledAsync(topic, Subscriber);
        await sidecar.RestartAsync();
        await PublishAsync(sidecar, topic, "2");
        await app.UntilAsync(1, item => item["data"].GetInt32() == 2);
        Assert.That(app.Deliveries.Select(item => item["data"].GetInt32()), Is.EqualTo(new[] { 1, 2 }));
    }

    [TestCase(200, """{"status":"RETRY"}""")]
    [TestCase(200, """{"status":"PERHAPS"}""")]
    [TestCase(500, "")]
    [TestCase(400, """{"status":"SUCCESS"}""")]
    [TestCase(302, "")]
    public async Task Deliver_RefusedForNow_ComesAgainThenGoesToTheDeadLetterTopic(int status, string body)
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await StartHttpAsync(WithDeadLetter(topic, dead), Yaml.Retries(2));
        app.Answer = item => item.Path == "/events" ? (status, body) : (200, "");
        await PublishAsync(sidecar, topic, "1");
        var letter = (await app.UntilAsync(1, item => item.Path == "/dead"))[0];
        var tries = app.Deliveries.Where(item => item.Path == "/events").ToArray();
        Assert.That(tries, Has.Length.EqualTo(3));
        Assert.That(letter["id"].GetString(), Is.EqualTo(tries[0]["id"].GetString()));
        Assert.That(letter["topic"].GetString(), Is.EqualTo(topic), "the envelope keeps its first topic");
    }

    [TestCase(200, """{"status":"DROP"}""")]
    [TestCase(404, "")]
    public async Task Deliver_RefusedForGood_GoesToTheDeadLetterTopicAtOnce(int status, string body)
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await StartHttpAsync(WithDeadLetter(topic, dead), Yaml.Retries(-1));
        app.Answer = item => item.Path == "/events" ? (status, body) : (200, "");
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1, item => item.Path == "/dead");
        Assert.That(app.Deliveries.Count(item => item.Path == "/events"), Is.EqualTo(1));
    }

    [Test]
    public async Task Deliver_StatusThatThePolicyExcepts_IsNotTriedAgain()
    {
        var (topic, dead) = (Topic(), Topic());
        var policy = Yaml.Retries(-1)
            .Replace(
                "maxRetries: -1",
                "maxRetries: -1, matching: { httpStatusCodes: \"429,500-599\" }",
                StringComparison.Ordinal
            );
        var (sidecar, app) = await StartHttpAsync(WithDeadLetter(topic, dead), policy);
        app.Answer = item => item.Path == "/events" ? (Tries(app) < 3 ? 503 : 400, "") : (200, "");
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1, item => item.Path == "/dead");
        Assert.That(Tries(app), Is.EqualTo(3));

        static int Tries(HttpTopicApp app) => app.Deliveries.Count(item => item.Path == "/events");
    }

    [Test]
    public async Task Deliver_AppDownAndBack_GetsWhatWasPublishedMeanwhile()
    {
        var topic = Topic();
        var (sidecar, app) = await StartHttpAsync(One(topic), Yaml.Retries(-1, "30s"));
        await PublishAsync(sidecar, topic, "0");
        await app.UntilAsync(1);
        await app.DownAsync();
        for (var i = 1; i <= 20; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        await app.UpAsync();
        var received = await app.UntilAsync(20, item => item["data"].GetInt32() > 0);
        Assert.That(received.Select(item => item["data"].GetInt32()).Distinct().Count(), Is.EqualTo(20));
    }

    [Test]
    public async Task Subscribe_AppToken_IsSentWithEveryCall()
    {
        var topic = Topic();
        var app = Own(await HttpTopicApp.StartAsync(One(topic)));
        var settings = new Souk.Sidecar.SidecarSettings { AppToken = "secret" };
        var sidecar = Own(
            await TestSidecar.StartAsync(
                settings,
                Yaml.RedisPubSub(),
                TestSidecar.App(Publisher),
                HttpApp(app)
            )
        );
        await PublishAsync(sidecar, topic, "1");
        Assert.That((await app.UntilAsync(1))[0].Headers["dapr-api-token"], Is.EqualTo("secret"));
    }

    [Test]
    public async Task Subscribe_BesideGrpcApps_ReachesBoth()
    {
        var topic = Topic();
        var other = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var app = Own(await HttpTopicApp.StartAsync(One(topic)));
        var sidecar = await StartAsync(
            Yaml.RedisPubSub(),
            HttpApp(app),
            TestSidecar.App("other", other.Port)
        );
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1);
        await other.UntilAsync(1);
    }

    [Test]
    public async Task Subscribe_NotFound_MeansNone()
    {
        var app = Own(new HttpTopicApp());
        await app.UpAsync();
        var sidecar = await StartAsync(Yaml.RedisPubSub(), HttpApp(app));
        await ReadyAsync(sidecar);
        Assert.That(app.Asked, Is.EqualTo(1));
        Assert.That(await SubscriptionsAsync(sidecar), Is.Empty);
    }

    [TestCase(500, "")]
    [TestCase(200, "not json")]
    [TestCase(200, """{"not":"a list"}""")]
    public async Task Subscribe_NoAnswerThatHelps_GoesOnWithout(int status, string body)
    {
        var app = Own(new HttpTopicApp { Subscriptions = (status, body) });
        await app.UpAsync();
        var sidecar = await StartAsync(Yaml.RedisPubSub(), HttpApp(app));
        await ReadyAsync(sidecar);
        Assert.That(await SubscriptionsAsync(sidecar), Is.Empty);
    }

    [Test]
    public async Task Subscribe_FailsAtFirst_IsAskedAgain()
    {
        var topic = Topic();
        var app = Own(new HttpTopicApp { Subscriptions = (503, "") });
        await app.UpAsync();
        var sidecar = await StartAsync(Yaml.RedisPubSub(), HttpApp(app));
        await Eventually.ThatAsync(() => app.Asked >= 1, "the first question");
        app.Subscriptions = (200, One(topic));
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1);
    }

    [Test]
    public async Task Subscribe_EntriesThatAreWrong_AreLeftOutAndTheOthersServe()
    {
        var topic = Topic();
        var (sidecar, app) = await StartHttpAsync(
            $$$"""
            [{"topic":"no-pubsub","route":"/a"},
             {"pubsubname":"pubsub","route":"/no-topic"},
             {"pubsubname":"pubsub","topic":"no-route"},
             {"pubsubname":"nobody","topic":"no-component","route":"/b"},
             {"pubsubname":"pubsub","topic":"no-cel","routes":{"rules":[{"match":"event ==","path":"/c"}]}},
             {"pubsubname":"pubsub","topic":"no-kind","route":7},
             {"pubsubname":"pubsub","topic":"{{{topic}}}","route":"/events"}]
            """
        );
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1);
        Assert.That(await SubscriptionsAsync(sidecar), Is.EqualTo(new[] { topic }));
    }

    private static string One(string topic) =>
        $$"""[{"pubsubname":"pubsub","topic":"{{topic}}","route":"/events"}]""";

    private static string WithDeadLetter(string topic, string dead) =>
        $$"""
            [{"pubsubname":"pubsub","topic":"{{topic}}","route":"events","deadLetterTopic":"{{dead}}"},
             {"pubsubname":"pubsub","topic":"{{dead}}","route":"dead"}]
            """;

    private static async Task<IReadOnlyList<string>> SubscriptionsAsync(TestSidecar sidecar)
    {
        var metadata = await sidecar.Client(Subscriber).GetMetadataAsync(new());
        return [.. metadata.Subscriptions.Select(item => item.Topic)];
    }

    private static async Task ReadyAsync(TestSidecar sidecar)
    {
        using var client = new HttpClient();
        var uri = new Uri($"http://127.0.0.1:{sidecar.Spec(Subscriber).HttpPort}/v1.0/healthz");
        await Eventually.ThatAsync(
            async () =>
            {
                using var response = await client.GetAsync(uri);
                return response.IsSuccessStatusCode;
            },
            "the sidecar to be ready"
        );
    }
}
