using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>Subscriptions that live as long as a stream.</summary>
internal sealed class StreamTests : SidecarFixture
{
    private static readonly string App = GivenSidecar.AppId("streaming");

    [Test]
    public async Task SubscribeTopicEventsAlpha1_Event_CarriesItsAttributes()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        await PublishAsync(sidecar, topic, """{ "n": 1 }""", "application/json");
        var received = (await stream.UntilAsync(1))[0];
        Assert.That(Guid.TryParse(received.Id, out _));
        var expected = new TopicEventRequest
        {
            Id = received.Id,
            Source = App,
            Type = "com.dapr.event.sent",
            SpecVersion = "1.0",
            DataContentType = "application/json",
            Data = ByteString.CopyFromUtf8("""{"n":1}"""),
            PubsubName = "pubsub",
            Topic = topic,
            Path = "/",
            Extensions = received.Extensions,
        };
        Assert.That(received, Is.EqualTo(expected));
    }

    [TestCase("", "t", StatusCode.InvalidArgument, "pubsubName is required")]
    [TestCase("pubsub", "", StatusCode.InvalidArgument, "topic is required")]
    [TestCase("other", "t", StatusCode.InvalidArgument, "pubsub other is not found")]
    [TestCase("pubsub", "secret", StatusCode.PermissionDenied, "topic secret is not allowed")]
    public async Task SubscribeTopicEventsAlpha1_BadAddress_SaysWhy(
        string pubSub,
        string topic,
        StatusCode code,
        string message
    )
    {
        var sidecar = await StartAsync(Yaml.Item("protectedTopics", "secret"));
        var initial = new SubscribeTopicEventsRequestInitialAlpha1 { PubsubName = pubSub, Topic = topic };
        var failure = await TopicStream.RefusalAsync(
            sidecar.Client(App),
            new SubscribeTopicEventsRequestAlpha1 { InitialRequest = initial }
        );
        Assert.That(failure.StatusCode, Is.EqualTo(code));
        Assert.That(failure.Status.Detail, Does.StartWith(message));
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_VerdictFirst_IsRefused()
    {
        var sidecar = await StartAsync();
        var processed = new SubscribeTopicEventsRequestProcessedAlpha1 { Id = "x" };
        var failure = await TopicStream.RefusalAsync(
            sidecar.Client(App),
            new SubscribeTopicEventsRequestAlpha1 { EventProcessed = processed }
        );
        Assert.That(failure.StatusCode, Is.EqualTo(StatusCode.InvalidArgument));
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_SecondInitialRequest_EndsTheStream()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        await stream.SendAsync(
            new SubscribeTopicEventsRequestAlpha1 { InitialRequest = TopicStream.To(topic) }
        );
        var failure = await Assert.ThrowsAsync<RpcException>(() => stream.Reading);
        Assert.That(failure?.StatusCode, Is.EqualTo(StatusCode.InvalidArgument));
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_UnknownVerdict_IsIgnored()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        await stream.ProcessAsync("nobody", Verdict.Success);
        await PublishAsync(sidecar, topic, "x");
        await stream.UntilAsync(1);
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_SlowVerdicts_HoldNobodyUp()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic), _ => null));
        for (var i = 0; i < 50; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        var received = await stream.UntilAsync(50);
        foreach (var item in received.Reverse())
            await stream.ProcessAsync(item.Id, Verdict.Success);
        await stream.CompleteAsync();
        await NothingIsLeftAsync(sidecar, topic);
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_Retry_ComesAgainWithTheSameId()
    {
        var topic = Topic();
        var sidecar = await StartAsync(resiliency: Yaml.Retries(-1));
        var tries = 0;
        var stream = Own(
            await TopicStream.OpenAsync(
                sidecar.Client(App),
                TopicStream.To(topic),
                _ => ++tries < 3 ? Verdict.Retry : Verdict.Success
            )
        );
        await PublishAsync(sidecar, topic, "x");
        var received = await stream.UntilAsync(3);
        Assert.That(received.Select(item => item.Id).Distinct().Count(), Is.EqualTo(1));
    }

    [TestCase(Verdict.Retry, 3)]
    [TestCase(Verdict.Drop, 1)]
    public async Task SubscribeTopicEventsAlpha1_Refused_GoesToItsDeadLetterTopic(Verdict verdict, int tries)
    {
        var (topic, dead) = (Topic(), Topic());
        var sidecar = await StartAsync(resiliency: Yaml.Retries(2));
        var letters = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(dead)));
        var stream = Own(
            await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic, dead), _ => verdict)
        );
        await PublishAsync(sidecar, topic, "x");
        var letter = (await letters.UntilAsync(1))[0];
        Assert.That((letter.Id, letter.Topic), Is.EqualTo((stream.Events[0].Id, dead)));
        Assert.That(stream.Events, Has.Count.EqualTo(tries));
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_CutWithoutVerdict_DeliversToTheNextStream()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var first = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic), _ => null));
        await PublishAsync(sidecar, topic, "x");
        var id = (await first.UntilAsync(1))[0].Id;
        first.Cut();
        var second = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        Assert.That((await second.UntilAsync(1))[0].Id, Is.EqualTo(id));
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_OneOfTwoCut_TheOtherGetsWhatItHeld()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var first = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic), _ => null));
        await PublishAsync(sidecar, topic, "x");
        await first.UntilAsync(1);
        var second = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        await PublishAsync(sidecar, topic, "y");
        first.Cut();
        var received = await second.UntilAsync(1);
        await Eventually.ThatAsync(
            () => second.Events.Any(item => item.Data.ToStringUtf8() == "x"),
            "what the first stream held"
        );
        Assert.That(received, Is.Not.Empty);
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_SeveralStreams_ShareTheTopic()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var streams = new List<TopicStream>();
        for (var i = 0; i < 3; i++)
            streams.Add(Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic))));
        var numbers = Enumerable.Range(0, 90).Select(i => $"{i}").ToArray();
        await Task.WhenAll(numbers.Select(number => PublishAsync(sidecar, topic, number)));
        IEnumerable<string> Received() =>
            streams.SelectMany(stream => stream.Events).Select(item => item.Data.ToStringUtf8());
        await Eventually.ThatAsync(() => Received().Count() >= 90, "90 events");
        Assert.That(Received(), Is.EquivalentTo(numbers), "each event once, whoever gets it");
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_SidecarStops_EndsSoThatTheAppComesBack()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic), _ => null));
        await PublishAsync(sidecar, topic, "x");
        await stream.UntilAsync(1);
        await sidecar.RestartAsync();
        var failure = await Assert.ThrowsAsync<RpcException>(() => stream.Reading);
        Assert.That(failure?.StatusCode, Is.EqualTo(StatusCode.Unavailable));
        var again = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        await again.UntilAsync(1);
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_RawPayload_IsHandedOnUntouched()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic, raw: true)));
        var request = PublishRequest.Of(
            topic,
            ByteString.CopyFrom(0, 200, 10),
            metadata: ("rawPayload", "true")
        );
        await sidecar.Client(App).PublishEventAsync(request);
        var received = (await stream.UntilAsync(1))[0];
        Assert.That(received.Data.ToByteArray(), Is.EqualTo(new byte[] { 0, 200, 10 }));
        Assert.That(received.DataContentType, Is.EqualTo("application/octet-stream"));
    }

    [Test]
    public async Task GetMetadata_Stream_IsListedWhileItLives()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(
            await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic, deadLetter: "dead"))
        );
        var listed = (await sidecar.Client(App).GetMetadataAsync(new())).Subscriptions.Single();
        Assert.That(
            (listed.PubsubName, listed.Topic, listed.DeadLetterTopic, listed.Type),
            Is.EqualTo(("pubsub", topic, "dead", PubsubSubscriptionType.Streaming))
        );
        await stream.CompleteAsync();
        var metadata = await sidecar.Client(App).GetMetadataAsync(new());
        Assert.That(metadata.Subscriptions, Is.Empty);
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_BesideACallback_SharesTheTopicWithIt()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var components = Yaml.RedisPubSub() + Yaml.Retries(-1);
        var sidecar = Own(await TestSidecar.StartAsync(components, TestSidecar.App(App, app.Port)));
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        for (var i = 0; i < 40; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        IEnumerable<string> Received() =>
            app.Events.Concat(stream.Events).Select(item => item.Data.ToStringUtf8());
        await Eventually.ThatAsync(() => Received().Count() >= 40, "40 events");
        Assert.That(Received().Distinct().Count(), Is.EqualTo(40));
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_LineGoesDead_ItsEventsAreForTheNextStream()
    {
        var topic = Topic();
        // Beyond it a line is dead, also one whose machine only stalls.
        var settings = new SidecarSettings { SilenceMax = TimeSpan.FromSeconds(2) };
        var sidecar = Own(
            await TestSidecar.StartAsync(
                settings,
                Yaml.RedisPubSub() + Yaml.Retries(-1),
                TestSidecar.App(App)
            )
        );
        var (channel, line) = FreezableLine.Open(sidecar.Spec(App).GrpcPort);
        using (channel)
        {
            var client = new Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient(channel);
            var dead = await TopicStream.OpenAsync(client, TopicStream.To(topic), _ => null);
            await PublishAsync(sidecar, topic, "held");
            await dead.UntilAsync(1);
            line().Freeze();
            var alive = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
            Assert.That((await alive.UntilAsync(1))[0].Data.ToStringUtf8(), Is.EqualTo("held"));
        }
    }

    [Test]
    public async Task SubscribeTopicEventsAlpha1_TopicIsNoStreamForAWhile_GoesOnWhenItIsOneAgain()
    {
        var topic = Topic();
        var sidecar = await StartAsync();
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic), _ => null));
        await PublishAsync(sidecar, topic, "1");
        var first = (await stream.UntilAsync(1))[0];
        await RedisAsync("SET", topic, "no stream");
        // Its acknowledgement is refused by the server, which must end neither the stream nor its reading.
        await stream.ProcessAsync(first.Id, Verdict.Success);
        await RedisAsync("DEL", topic);
        await PublishAsync(sidecar, topic, "2");
        var second = (await stream.UntilAsync(2))[1];
        Assert.That(second.Data.ToStringUtf8(), Is.EqualTo("2"));
    }

    private async Task<TestSidecar> StartAsync(string metadata = "", string resiliency = "") =>
        Own(
            await TestSidecar.StartAsync(
                Yaml.RedisPubSub(metadata: metadata) + resiliency,
                TestSidecar.App(App)
            )
        );

    private static async Task PublishAsync(
        TestSidecar sidecar,
        string topic,
        string data,
        string contentType = "text/plain"
    ) => await sidecar.Client(App).PublishEventAsync(PublishRequest.Of(topic, data, contentType));

    // Another stream gets the marker, and before it all that the broker still had for the app.
    private async Task NothingIsLeftAsync(TestSidecar sidecar, string topic)
    {
        var next = Own(await TopicStream.OpenAsync(sidecar.Client(App), TopicStream.To(topic)));
        await PublishAsync(sidecar, topic, "marker");
        var received = await next.UntilAsync(1);
        Assert.That(received.Select(item => item.Data.ToStringUtf8()), Is.EqualTo(new[] { "marker" }));
    }
}
