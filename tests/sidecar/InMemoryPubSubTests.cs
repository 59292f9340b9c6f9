using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>The broker that lives and dies with its process.</summary>
internal sealed class InMemoryPubSubTests : PubSubFixture
{
    private static readonly string InMemory = Yaml.Component("pubsub", "pubsub.in-memory", "v1", "");

    [Test]
    public async Task PublishEvent_InMemory_ReachesEveryAppThatSubscribedOnce()
    {
        var topic = Topic();
        var (one, two) = (await AppAsync(topic), await AppAsync(topic));
        var sidecar = await StartAsync(
            InMemory,
            TestSidecar.App("one", one.Port),
            TestSidecar.App("two", two.Port)
        );
        await PublishAllAsync(sidecar, topic, ("one", one), ("two", two));
        foreach (var app in new[] { one, two })
            Assert.That(
                app.Events.Select(item => item.Data.ToStringUtf8()),
                Is.EquivalentTo(new[] { "1", "2", "3" })
            );
    }

    [Test]
    public async Task OnTopicEvent_InMemoryRetryWithoutPolicy_IsLostAsInDapr()
    {
        var topic = Topic();
        var app = await AppAsync(topic);
        app.Answer = item =>
            Task.FromResult(item.Data.ToStringUtf8() == "2" ? Verdict.Retry : Verdict.Success);
        var sidecar = await StartAsync(InMemory, TestSidecar.App(Subscriber, app.Port));
        await PublishAllAsync(sidecar, topic, (Subscriber, app));
        Assert.That(app.Events.Count(item => item.Data.ToStringUtf8() == "2"), Is.EqualTo(1));
    }

    [Test]
    public async Task OnTopicEvent_InMemoryRetriesExhausted_GoesToTheDeadLetterTopic()
    {
        var (topic, dead) = (Topic(), Topic());
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic, dead), TopicApp.To(dead)));
        app.Answer = item => Task.FromResult(item.Topic == topic ? Verdict.Retry : Verdict.Success);
        var components = InMemory + Yaml.Retries(2);
        var sidecar = await StartAsync(components, TestSidecar.App(Subscriber, app.Port));
        await ListedAsync(sidecar, Subscriber, 2);
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1, item => item.Topic == dead);
        Assert.That(app.Events.Count(item => item.Topic == topic), Is.EqualTo(3));
    }

    private async Task<TopicApp> AppAsync(string topic) => Own(await TopicApp.StartAsync(TopicApp.To(topic)));

    // What is published before a subscription is there is nobody's.
    private static Task ListedAsync(TestSidecar sidecar, string appId, int count) =>
        Eventually.ThatAsync(
            async () => (await sidecar.Client(appId).GetMetadataAsync(new())).Subscriptions.Count == count,
            $"the subscriptions of {appId}"
        );

    private static async Task PublishAllAsync(
        TestSidecar sidecar,
        string topic,
        params (string Id, TopicApp App)[] subscribers
    )
    {
        foreach (var (id, _) in subscribers)
            await ListedAsync(sidecar, id, 1);
        foreach (var data in new[] { "1", "2", "3" })
            await PublishAsync(sidecar, topic, data);
        foreach (var (_, app) in subscribers)
            await app.UntilAsync(3);
    }
}
