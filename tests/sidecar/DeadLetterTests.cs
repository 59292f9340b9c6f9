using Dapr.AppCallback.Autogen.Grpc.v1;
using Grpc.Core;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>What becomes of messages that cannot be delivered, other than by an app's verdict.</summary>
internal sealed class DeadLetterTests : PubSubFixture
{
    private const string CloudEvent = "application/cloudevents+json";

    [Test]
    public async Task OnTopicEvent_MessageIsNoCloudEvent_GoesToTheDeadLetterTopicAsItCame()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await WithAppAsync("", TopicApp.To(topic, dead), TopicApp.To(dead, raw: true));
        await PublishAsync(sidecar, topic, "no event", "text/plain", ("rawPayload", "true"));
        var letter = (await app.UntilAsync(1))[0];
        Assert.That((letter.Topic, letter.Data.ToStringUtf8()), Is.EqualTo((dead, "no event")));
    }

    [Test]
    public async Task OnTopicEvent_Expired_GoesToTheDeadLetterTopic()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await WithAppAsync("", TopicApp.To(topic, dead), TopicApp.To(dead, raw: true));
        const string Old =
            """{"id":"old","source":"s","specversion":"1.0","expiration":"2001-01-01T00:00:00Z","data":1}""";
        await PublishAsync(sidecar, topic, Old, CloudEvent);
        var letter = (await app.UntilAsync(1))[0];
        Assert.That(letter.Topic, Is.EqualTo(dead));
        Assert.That(letter.Data.ToStringUtf8(), Does.Contain("\"id\":\"old\""));
    }

    [Test]
    public async Task OnTopicEvent_TextThatIsNoString_IsTriedAsThePolicySaysAndGoesToTheDeadLetterTopic()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await WithAppAsync(
            Yaml.Retries(2),
            TopicApp.To(topic, dead),
            TopicApp.To(dead, raw: true)
        );
        const string Odd =
            """{"id":"1","source":"s","specversion":"1.0","datacontenttype":"text/plain","data":{"n":1}}""";
        await PublishAsync(sidecar, topic, Odd, CloudEvent);
        Assert.That((await app.UntilAsync(1))[0].Topic, Is.EqualTo(dead));
    }

    [Test]
    public async Task OnTopicEvent_OtherTypeWithoutBase64_HasNoData()
    {
        var topic = Topic();
        var (sidecar, app) = await WithAppAsync("", TopicApp.To(topic));
        const string Odd =
            """{"id":"1","source":"s","specversion":"1.0","datacontenttype":"image/png","data":"x"}""";
        await PublishAsync(sidecar, topic, Odd, CloudEvent);
        Assert.That((await app.UntilAsync(1))[0].Data, Is.Empty);
    }

    [Test]
    public async Task OnTopicEvent_NotImplemented_IsDroppedWithoutADeadLetter()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await WithAppAsync(
            Yaml.Retries(-1),
            TopicApp.To(topic, dead),
            TopicApp.To(dead)
        );
        app.Answer = item =>
            item.Topic == topic
                ? throw new RpcException(new Status(StatusCode.Unimplemented, "no"))
                : Task.FromResult(Verdict.Success);
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1, item => item.Topic == topic);
        await SettledAsync(topic, Subscriber);
        await PublishAsync(sidecar, dead, "2");
        var letters = await app.UntilAsync(1, item => item.Topic == dead);
        Assert.That(letters.Select(item => item.Data.ToStringUtf8()), Is.EqualTo(new[] { "2" }));
        Assert.That(app.Events.Count(item => item.Topic == topic), Is.EqualTo(1));
    }

    [Test]
    public async Task OnTopicEvent_SlowerThanThePolicyAllows_CountsAsAFailedAttempt()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await WithAppAsync(
            Yaml.Retries(1)
                .Replace("{ retry: again }", "{ retry: again, timeout: soon }", StringComparison.Ordinal)
                .Replace("retries:", "timeouts: { soon: 100ms }\n    retries:", StringComparison.Ordinal),
            TopicApp.To(topic, dead),
            TopicApp.To(dead)
        );
        var never = new TaskCompletionSource<Verdict>();
        app.Answer = item => item.Topic == topic ? never.Task : Task.FromResult(Verdict.Success);
        // On a machine that stalls the limit may pass before the app sees an attempt: then another event.
        var tries = 0;
        for (var events = 1; tries < 2 && events < 100; events++)
        {
            var data = $"{events}";
            await PublishAsync(sidecar, topic, data);
            await app.UntilAsync(events, item => item.Topic == dead);
            tries = app.Events.Count(item => item.Topic == topic && item.Data.ToStringUtf8() == data);
        }
        Assert.That(tries, Is.EqualTo(2));
        never.SetResult(Verdict.Success);
    }

    [TestCase("publishingScopes", "publisher=a,b;other=c", "a", true)]
    [TestCase("publishingScopes", "publisher=a,b;other=c", "c", false)]
    [TestCase("publishingScopes", "publisher=", "a", false)]
    [TestCase("publishingScopes", "other=", "a", true)]
    [TestCase("allowedTopics", "a,b", "b", true)]
    [TestCase("allowedTopics", "a,b", "c", false)]
    [TestCase("protectedTopics", "a", "a", false)]
    [TestCase("protectedTopics", "a", "b", true)]
    [TestCase("subscriptionScopes", "publisher=", "a", true)]
    public async Task PublishEvent_ScopedTopics_AreForThoseWhoMay(
        string setting,
        string value,
        string topic,
        bool isAllowed
    )
    {
        var component = Yaml.Component("pubsub", "pubsub.in-memory", "v1", Yaml.Item(setting, value));
        var sidecar = await StartAsync(component);
        if (isAllowed)
        {
            await PublishAsync(sidecar, topic, "1");
            return;
        }
        var failure = await DaprFailure.OfAsync(() => PublishAsync(sidecar, topic, "1"));
        Assert.That(
            (failure.Code, failure.Reason),
            Is.EqualTo((StatusCode.PermissionDenied, "DAPR_PUBSUB_FORBIDDEN"))
        );
    }

    // Redis cuts off whole nodes of a hundred messages, never single ones.
    [TestCase("streamTTL", "1ms")]
    [TestCase("maxLenApprox", "10")]
    public async Task PublishEvent_StreamIsBounded_OldMessagesGo(string setting, string value)
    {
        var topic = Topic();
        var sidecar = await StartAsync(Yaml.RedisPubSub(metadata: Yaml.Item(setting, value)));
        for (var i = 0; i < 400; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        Assert.That((await RedisAsync("XLEN", topic)).Integer, Is.LessThan(350));
    }

    [Test]
    public async Task ListTopicSubscriptions_TopicOutOfScope_IsLeftOut()
    {
        var (mine, theirs) = (Topic(), Topic());
        var app = Own(await TopicApp.StartAsync(TopicApp.To(theirs), TopicApp.To(mine)));
        var component = Yaml.RedisPubSub(metadata: Yaml.Item("subscriptionScopes", $"{Subscriber}={mine}"));
        var sidecar = await StartAsync(component, TestSidecar.App(Subscriber, app.Port));
        await PublishAsync(sidecar, mine, "1");
        await app.UntilAsync(1);
        var metadata = await sidecar.Client(Subscriber).GetMetadataAsync(new());
        Assert.That(metadata.Subscriptions.Select(item => item.Topic), Is.EqualTo(new[] { mine }));
    }

    private async Task<(TestSidecar Sidecar, TopicApp App)> WithAppAsync(
        string resiliency,
        params TopicSubscription[] subscriptions
    )
    {
        var app = Own(await TopicApp.StartAsync(subscriptions));
        var sidecar = await StartAsync(
            Yaml.RedisPubSub() + resiliency,
            TestSidecar.App(Subscriber, app.Port)
        );
        return (sidecar, app);
    }
}
