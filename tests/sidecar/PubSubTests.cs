using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>Publishing and delivery over Redis streams.</summary>
internal sealed class PubSubTests : SidecarFixture
{
    private const string Publisher = "publisher";

    [Test]
    public async Task PublishEvent_Json_ArrivesAsCloudEvent()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        var headers = new Metadata
        {
            { "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
        };
        await PublishAsync(sidecar, topic, """{ "b": 1, "a": "ü" }""", "application/json", headers);
        var received = (await app.UntilAsync(1))[0];
        Assert.Multiple(() =>
        {
            Assert.That(received.Data.ToStringUtf8(), Is.EqualTo("""{"b":1,"a":"ü"}"""));
            Assert.That(received.DataContentType, Is.EqualTo("application/json"));
            Assert.That(received.Topic, Is.EqualTo(topic));
            Assert.That(received.Path, Is.EqualTo("/" + topic));
            Assert.That(received.PubsubName, Is.EqualTo("pubsub"));
            Assert.That(received.Source, Is.EqualTo(Publisher));
            Assert.That(received.Type, Is.EqualTo("com.dapr.event.sent"));
            Assert.That(received.SpecVersion, Is.EqualTo("1.0"));
            Assert.That(Guid.TryParse(received.Id, out _));
            Assert.That(received.Extensions.Fields["traceparent"].StringValue, Does.StartWith("00-0af76519"));
            Assert.That(received.Extensions.Fields["topic"].StringValue, Is.EqualTo(topic));
            Assert.That(app.LastHeaders?.GetValue("traceparent"), Does.StartWith("00-0af76519"));
        });
    }

    [TestCase("", "text/plain")]
    [TestCase("text/plain", "text/plain")]
    [TestCase("application/octet-stream", "application/octet-stream")]
    public async Task PublishEvent_OtherTypes_KeepTheirBytes(string given, string delivered)
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        await PublishAsync(sidecar, topic, "some \"text\"", given);
        var received = (await app.UntilAsync(1))[0];
        Assert.That(
            (received.Data.ToStringUtf8(), received.DataContentType),
            Is.EqualTo(("some \"text\"", delivered))
        );
    }

    [Test]
    public async Task PublishEvent_CompleteCloudEvent_KeepsItsAttributes()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        const string Given =
            """{"id":"e1","source":"s","type":"t","specversion":"1.0","topic":"lie","x":7,"data":{"n":1}}""";
        await PublishAsync(sidecar, topic, Given, "application/cloudevents+json");
        var received = (await app.UntilAsync(1))[0];
        Assert.That((received.Id, received.Source, received.Type), Is.EqualTo(("e1", "s", "t")));
        Assert.That(received.Extensions.Fields["x"].NumberValue, Is.EqualTo(7));
        Assert.That(received.Extensions.Fields["topic"].StringValue, Is.EqualTo(topic));
    }

    [Test]
    public async Task PublishEvent_MetadataOverrides_ReplaceAttributes()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        var request = Request(topic, "{}", "application/json");
        request.Metadata.Add("cloudevent.id", "mine");
        request.Metadata.Add("cloudevent.type", "souk.test");
        request.Metadata.Add("cloudevent.subject", "about");
        await sidecar.Client(Publisher).PublishEventAsync(request);
        var received = (await app.UntilAsync(1))[0];
        Assert.That((received.Id, received.Type), Is.EqualTo(("mine", "souk.test")));
        Assert.That(received.Extensions.Fields["subject"].StringValue, Is.EqualTo("about"));
    }

    // The last as the JavaScript SDK writes a gRPC app's metadata.
    [TestCase("true", "true")]
    [TestCase("1", "T")]
    [TestCase("true", "\"true\"")]
    public async Task PublishEvent_RawOnBothEnds_KeepsTheBytes(string published, string subscribed)
    {
        var topic = Topic();
        var subscription = TopicApp.To(topic);
        subscription.Metadata.Add("rawPayload", subscribed);
        var (sidecar, app) = await StartAsync("", subscription);
        var request = PublishRequest.Of(
            topic,
            ByteString.CopyFrom(1, 2, 255),
            metadata: ("rawPayload", published)
        );
        await sidecar.Client(Publisher).PublishEventAsync(request);
        var received = (await app.UntilAsync(1))[0];
        Assert.That(received.Data.ToByteArray(), Is.EqualTo(new byte[] { 1, 2, 255 }));
        Assert.That(received.DataContentType, Is.EqualTo("application/octet-stream"));
    }

    [TestCase("", "t", StatusCode.InvalidArgument, "DAPR_PUBSUB_NAME_EMPTY")]
    [TestCase("other", "t", StatusCode.InvalidArgument, "DAPR_PUBSUB_NOT_FOUND")]
    [TestCase("pubsub", "", StatusCode.InvalidArgument, "DAPR_PUBSUB_TOPIC_NAME_EMPTY")]
    [TestCase("pubsub", "secret", StatusCode.PermissionDenied, "DAPR_PUBSUB_FORBIDDEN")]
    public async Task PublishEvent_BadAddress_SaysWhy(
        string pubSub,
        string topic,
        StatusCode code,
        string reason
    )
    {
        var component = Yaml.RedisPubSub(metadata: Yaml.Item("protectedTopics", "secret"));
        var sidecar = Own(await TestSidecar.StartAsync(component, TestSidecar.App(Publisher)));
        var request = new PublishEventRequest { PubsubName = pubSub, Topic = topic };
        var failure = await DaprFailure.OfAsync(async () =>
            await sidecar.Client(Publisher).PublishEventAsync(request)
        );
        Assert.That((failure.Code, failure.Reason), Is.EqualTo((code, reason)));
    }

    [Test]
    public async Task PublishEvent_BadContent_SaysWhy()
    {
        var sidecar = Own(await TestSidecar.StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Publisher)));
        var client = sidecar.Client(Publisher);
        var broken = Request(Topic(), "no json", "application/cloudevents+json");
        var failure = await DaprFailure.OfAsync(async () => await client.PublishEventAsync(broken));
        Assert.That(
            (failure.Code, failure.Reason),
            Is.EqualTo((StatusCode.InvalidArgument, "DAPR_PUBSUB_CLOUD_EVENT_CREATION"))
        );
        var raw = Request(Topic(), "x", "text/plain");
        raw.Metadata.Add("rawPayload", "perhaps");
        failure = await DaprFailure.OfAsync(async () => await client.PublishEventAsync(raw));
        Assert.That(failure.Reason, Is.EqualTo("DAPR_PUBSUB_METADATA_DESERIALIZATION"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task BulkPublishEvent_Entries_ArriveEach(bool byItsFirstName)
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        var request = new BulkPublishRequest { PubsubName = "pubsub", Topic = topic };
        for (var i = 0; i < 150; i++)
            request.Entries.Add(
                new BulkPublishRequestEntry
                {
                    EntryId = $"{i}",
                    Event = ByteString.CopyFromUtf8($"{i}"),
                    ContentType = "text/plain",
                }
            );
        var client = sidecar.Client(Publisher);
        // SDKs of today still call it by its name of before Dapr 1.17.
        var response = await (
            byItsFirstName
                ? client.BulkPublishEventAlpha1Async(request)
                : client.BulkPublishEventAsync(request)
        );
        Assert.That(response.FailedEntries, Is.Empty);
        var received = await app.UntilAsync(150);
        Assert.That(received.Select(item => item.Data.ToStringUtf8()).Distinct().Count(), Is.EqualTo(150));
    }

    [Test]
    public async Task BulkPublishEvent_DoubleEntryId_IsInvalid()
    {
        var sidecar = Own(await TestSidecar.StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Publisher)));
        var request = new BulkPublishRequest { PubsubName = "pubsub", Topic = Topic() };
        request.Entries.AddRange([new() { EntryId = "a" }, new() { EntryId = "a" }]);
        var failure = await DaprFailure.OfAsync(async () =>
            await sidecar.Client(Publisher).BulkPublishEventAsync(request)
        );
        Assert.That(failure.Reason, Is.EqualTo("DAPR_PUBSUB_MARSHAL_EVENTS"));
    }

    [Test]
    public async Task OnTopicEvent_Retry_ComesAgainWithTheSameId()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync(Yaml.Retries(-1), TopicApp.To(topic));
        app.Answer = _ => Task.FromResult(app.Events.Count < 3 ? Verdict.Retry : Verdict.Success);
        await PublishAsync(sidecar, topic, "x");
        var received = await app.UntilAsync(3);
        Assert.That(received.Select(item => item.Id).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task OnTopicEvent_ErrorWithoutPolicy_IsLostAsInDapr()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        app.Answer = item =>
            item.Data.ToStringUtf8() == "bad"
                ? throw new RpcException(new Status(StatusCode.Internal, "no"))
                : Task.FromResult(Verdict.Success);
        await PublishAsync(sidecar, topic, "bad");
        await PublishAsync(sidecar, topic, "good");
        await app.UntilAsync(1, item => item.Data.ToStringUtf8() == "good");
        await SettledAsync(topic, "subscriber");
        await sidecar.RestartAsync();
        await PublishAsync(sidecar, topic, "last");
        await app.UntilAsync(1, item => item.Data.ToStringUtf8() == "last");
        Assert.That(app.Events.Count(item => item.Data.ToStringUtf8() == "bad"), Is.EqualTo(1));
    }

    [Test]
    public async Task OnTopicEvent_RetriesExhausted_GoesToTheDeadLetterTopic()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await StartAsync(
            Yaml.Retries(2),
            TopicApp.To(topic, deadLetter: dead),
            TopicApp.To(dead)
        );
        app.Answer = item => Task.FromResult(item.Topic == topic ? Verdict.Retry : Verdict.Success);
        await PublishAsync(sidecar, topic, "x");
        var letter = (await app.UntilAsync(1, item => item.Topic == dead))[0];
        var tries = app.Events.Where(item => item.Topic == topic).ToArray();
        Assert.That(tries, Has.Length.EqualTo(3));
        Assert.That(letter.Id, Is.EqualTo(tries[0].Id));
        Assert.That(letter.Extensions.Fields["topic"].StringValue, Is.EqualTo(topic));
    }

    [Test]
    public async Task OnTopicEvent_Drop_GoesToTheDeadLetterTopicAtOnce()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await StartAsync(
            Yaml.Retries(-1),
            TopicApp.To(topic, deadLetter: dead),
            TopicApp.To(dead)
        );
        app.Answer = item => Task.FromResult(item.Topic == topic ? Verdict.Drop : Verdict.Success);
        await PublishAsync(sidecar, topic, "x");
        await app.UntilAsync(1, item => item.Topic == dead);
        Assert.That(app.Events.Count(item => item.Topic == topic), Is.EqualTo(1));
    }

    [Test]
    public async Task OnTopicEvent_PoisonedMessages_DoNotBlockOthers()
    {
        var topic = Topic();
        var pubSub = Yaml.RedisPubSub(
            metadata: Yaml.Item("concurrency", "2") + Yaml.Item("queueDepth", "50")
        );
        var (sidecar, app) = await StartAsync(Yaml.Retries(-1, "200ms"), pubSub, TopicApp.To(topic));
        app.Answer = item =>
            Task.FromResult(item.Data.ToStringUtf8() == "poison" ? Verdict.Retry : Verdict.Success);
        for (var i = 0; i < 10; i++)
            await PublishAsync(sidecar, topic, "poison");
        for (var i = 0; i < 100; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        var good = await app.UntilAsync(100, item => item.Data.ToStringUtf8() != "poison");
        Assert.That(good.Select(item => item.Data.ToStringUtf8()).Distinct().Count(), Is.EqualTo(100));
    }

    [Test]
    public async Task OnTopicEvent_AppDownAndBack_GetsWhatWasPublishedMeanwhile()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync(Yaml.Retries(-1, "30s"), TopicApp.To(topic));
        await PublishAsync(sidecar, topic, "before");
        await app.UntilAsync(1);
        await app.DownAsync();
        for (var i = 0; i < 20; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        await app.UpAsync();
        // Long before their next retry is due: a returning app wakes what waits for it.
        var received = await app.UntilAsync(20, item => item.Data.ToStringUtf8() != "before");
        Assert.That(received.Select(item => item.Data.ToStringUtf8()).Distinct().Count(), Is.EqualTo(20));
    }

    [Test]
    public async Task OnTopicEvent_AppComesBackWithOtherTopics_GetsThose()
    {
        var (first, second) = (Topic(), Topic());
        var (sidecar, app) = await StartAsync(Yaml.Retries(-1), TopicApp.To(first));
        await PublishAsync(sidecar, first, "x");
        await app.UntilAsync(1);
        await app.DownAsync();
        app.Subscriptions.Clear();
        app.Subscriptions.Add(TopicApp.To(second));
        // The sidecar learns that the app is gone from a call that fails.
        await PublishAsync(sidecar, first, "y");
        await PublishAsync(sidecar, second, "z");
        await app.UpAsync();
        await app.UntilAsync(1, item => item.Topic == second);
    }

    [Test]
    public async Task OnTopicEvent_SidecarStopsDuringDelivery_DeliversAgain()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync(Yaml.Retries(-1), TopicApp.To(topic));
        var hang = new TaskCompletionSource<Verdict>();
        app.Answer = _ => hang.Task;
        await PublishAsync(sidecar, topic, "x");
        await app.UntilAsync(1);
        await sidecar.StopAsync();
        app.Answer = _ => Task.FromResult(Verdict.Success);
        hang.SetResult(Verdict.Success);
        await sidecar.RestartAsync();
        await app.UntilAsync(2);
    }

    [Test]
    public async Task OnTopicEvent_Expired_IsDropped()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        const string Old =
            """{"id":"old","source":"s","specversion":"1.0","expiration":"2001-01-01T00:00:00Z","data":1}""";
        await PublishAsync(sidecar, topic, Old, "application/cloudevents+json");
        await PublishAsync(sidecar, topic, "new");
        await app.UntilAsync(1);
        Assert.That(app.Events.Select(item => item.Id), Has.None.EqualTo("old"));
    }

    [Test]
    public async Task GetMetadata_Subscriptions_AreListed()
    {
        var topic = Topic();
        var (sidecar, app) = await StartAsync("", TopicApp.To(topic));
        await PublishAsync(sidecar, topic, "x");
        await app.UntilAsync(1);
        var metadata = await sidecar.Client("subscriber").GetMetadataAsync(new GetMetadataRequest());
        Assert.That(metadata.Id, Is.EqualTo("subscriber"));
        Assert.That(metadata.Subscriptions.Single().Topic, Is.EqualTo(topic));
        Assert.That(
            metadata.RegisteredComponents.Select(item => item.Type),
            Is.EqualTo(new[] { "pubsub.redis" })
        );
    }

    [Test]
    public async Task ListTopicSubscriptions_UnknownPubSub_IsLeftOutAndTheOthersLive()
    {
        var (lost, topic) = (TopicApp.To(Topic()), Topic());
        lost.PubsubName = "nowhere";
        var (sidecar, app) = await StartAsync("", lost, TopicApp.To(topic));
        await PublishAsync(sidecar, topic, "x");
        await app.UntilAsync(1);
        var metadata = await sidecar.Client("subscriber").GetMetadataAsync(new());
        Assert.That(metadata.Subscriptions.Select(item => item.Topic), Is.EqualTo(new[] { topic }));
    }

    [Test]
    public async Task ListTopicSubscriptions_UnknownPubSub_IsNamedInTheLog()
    {
        var lost = TopicApp.To("lost-topic");
        lost.PubsubName = "nowhere";
        var app = Own(await TopicApp.StartAsync(lost));
        var sidecar = Own(await SidecarProcess.StartAsync(Yaml.RedisPubSub(), "subscriber", app.Port));
        const string Line = "subscriber wants lost-topic of nowhere, which is not a pub/sub of its";
        await Eventually.ThatAsync(() => sidecar.Output.Contains(Line), "the line");
    }

    private Task<(TestSidecar Sidecar, TopicApp App)> StartAsync(
        string resiliency,
        params TopicSubscription[] subscriptions
    ) => StartAsync(resiliency, Yaml.RedisPubSub(), subscriptions);

    private async Task<(TestSidecar Sidecar, TopicApp App)> StartAsync(
        string resiliency,
        string pubSub,
        params TopicSubscription[] subscriptions
    )
    {
        var app = Own(await TopicApp.StartAsync(subscriptions));
        var apps = new[] { TestSidecar.App(Publisher), TestSidecar.App("subscriber", app.Port) };
        return (Own(await TestSidecar.StartAsync(pubSub + resiliency, apps)), app);
    }

    private static PublishEventRequest Request(string topic, string data, string contentType) =>
        new()
        {
            PubsubName = "pubsub",
            Topic = topic,
            Data = ByteString.CopyFromUtf8(data),
            DataContentType = contentType,
        };

    private static async Task PublishAsync(
        TestSidecar sidecar,
        string topic,
        string data,
        string contentType = "text/plain",
        Metadata? headers = null
    ) => await sidecar.Client(Publisher).PublishEventAsync(Request(topic, data, contentType), headers);
}
