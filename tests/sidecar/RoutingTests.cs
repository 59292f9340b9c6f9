using Dapr.AppCallback.Autogen.Grpc.v1;

namespace Souk.Tests.Sidecar;

/// <summary>Which path of the app an event goes to, however the app said it.</summary>
internal sealed class RoutingTests : PubSubFixture
{
    private const string Created = """{"id":"1","type":"order.created","source":"s","specversion":"1.0"}""";

    [Test]
    public async Task OnTopicEvent_Rules_FirstThatHoldsDecides()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(Ruled(topic, "/other")));
        var sidecar = await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        await PublishAsync(
            sidecar,
            topic,
            """{"kind":"vip"}""",
            "application/json",
            ("cloudevent.type", "order.created")
        );
        await PublishAsync(sidecar, topic, """{"kind":"vip"}""");
        await PublishAsync(sidecar, topic, """{"kind":"plain"}""");
        await PublishAsync(sidecar, topic, """{}""");
        var received = await app.UntilAsync(4);
        Assert.That(
            received.Select(item => item.Path),
            Is.EquivalentTo(new[] { "/created", "/vip", "/other", "/other" })
        );
    }

    [Test]
    public async Task OnTopicEvent_NoRuleHoldsAndNoDefault_IsDropped()
    {
        var (topic, dead) = (Topic(), Topic());
        var ruled = Ruled(topic, "");
        ruled.DeadLetterTopic = dead;
        var app = Own(await TopicApp.StartAsync(ruled, TopicApp.To(dead)));
        var sidecar = await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        await PublishAsync(sidecar, topic, """{"kind":"plain"}""");
        var letter = (await app.UntilAsync(1))[0];
        Assert.That(letter.Path, Is.EqualTo("/" + dead));
    }

    [Test]
    public async Task OnTopicEvent_RuleThatIsNoExpression_LeavesOutThatSubscriptionOnly()
    {
        var (broken, topic) = (Topic(), Topic());
        var wrong = Ruled(broken, "/other");
        wrong.Routes.Rules[0].Match = "event.type = 'x'";
        var app = Own(await TopicApp.StartAsync(wrong, TopicApp.To(topic)));
        var sidecar = await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        await PublishAsync(sidecar, topic, "1");
        await app.UntilAsync(1);
        var metadata = await sidecar.Client(Subscriber).GetMetadataAsync(new());
        Assert.That(metadata.Subscriptions.Select(item => item.Topic), Is.EqualTo(new[] { topic }));
    }

    [Test]
    public async Task Subscribe_RulesOfAnHttpApp_FirstThatHoldsDecides()
    {
        var topic = Topic();
        var (sidecar, app) = await StartHttpAsync(
            $$$"""
            [{"pubsubname":"pubsub","topic":"{{{topic}}}","routes":{
              "rules":[{"match":"event.type == \"order.created\"","path":"/created"},
                       {"match":"event.data.total > 100 && has(event.data.kind)","path":"/big"}],
              "default":"/other"}}]
            """
        );
        await PublishAsync(sidecar, topic, Created, "application/cloudevents+json");
        await PublishAsync(sidecar, topic, """{"total":150.5,"kind":"x"}""");
        await PublishAsync(sidecar, topic, """{"total":150.5}""");
        var received = await app.UntilAsync(3);
        Assert.That(
            received.Select(item => item.Path),
            Is.EquivalentTo(new[] { "/created", "/big", "/other" })
        );
    }

    [Test]
    public async Task Subscribe_DeclaredWithRules_ServesAppsThatListNothing()
    {
        var (topic, first) = (Topic(), Topic());
        var app = Own(new HttpTopicApp());
        await app.UpAsync();
        var files = $$"""
            ---
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: { name: ruled }
            spec:
              pubsubname: pubsub
              topic: {{topic}}
              routes:
                rules:
                  - { match: 'event.data.kind == "vip"', path: /vip }
                default: /other
            scopes: [{{Subscriber}}]
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Subscription
            metadata: { name: simple }
            spec: { pubsubname: pubsub, topic: {{first}}, route: /first }
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Subscription
            metadata: { name: not-ours }
            spec: { pubsubname: pubsub, topic: not-ours, route: /no }
            scopes: [somebody]

            """;
        var sidecar = await StartAsync(Yaml.RedisPubSub() + files, HttpApp(app));
        await PublishAsync(sidecar, topic, """{"kind":"vip"}""");
        await PublishAsync(sidecar, topic, "1");
        await PublishAsync(sidecar, first, "1");
        var received = await app.UntilAsync(3);
        Assert.That(
            received.Select(item => item.Path),
            Is.EquivalentTo(new[] { "/vip", "/other", "/first" })
        );
        var metadata = await sidecar.Client(Subscriber).GetMetadataAsync(new());
        var listed = metadata.Subscriptions.Single(item => item.Topic == topic);
        Assert.That(
            listed.Rules.Rules.Select(rule => (rule.Match, rule.Path)),
            Is.EqualTo(new[] { ("event.data.kind == \"vip\"", "/vip"), ("", "/other") })
        );
        Assert.That(metadata.Subscriptions, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Subscribe_DeclaredAndListed_TheAppsOwnWins()
    {
        var topic = Topic();
        var app = Own(
            await HttpTopicApp.StartAsync(
                $$"""
                [{"pubsubname":"pubsub","topic":"{{topic}}","route":"/early"},
                 {"pubsubname":"pubsub","topic":"{{topic}}","route":"/late"}]
                """
            )
        );
        var file = $$"""
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Subscription
            metadata: { name: declared }
            spec: { pubsubname: pubsub, topic: {{topic}}, route: /declared }

            """;
        var sidecar = await StartAsync(Yaml.RedisPubSub() + file, HttpApp(app));
        await PublishAsync(sidecar, topic, "1");
        Assert.That((await app.UntilAsync(1))[0].Path, Is.EqualTo("/late"));
    }

    [Test]
    public async Task Subscribe_DeclaredRuleIsNoExpression_EndsTheStartWithItsPlace()
    {
        const string File = """
            ---
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: { name: broken }
            spec:
              pubsubname: pubsub
              topic: t
              routes:
                rules:
                  - { match: "event.type ==", path: /a }

            """;
        var error = await TestSidecar.MistakeAsync(Yaml.RedisPubSub() + File, TestSidecar.App(Subscriber));
        Assert.That(error.Message, Does.Contain("spec.routes.rules[0].match"));
    }

    private static TopicSubscription Ruled(string topic, string otherwise)
    {
        var routes = new TopicRoutes { Default = otherwise };
        routes.Rules.Add(new TopicRule { Match = "event.type == \"order.created\"", Path = "/created" });
        routes.Rules.Add(new TopicRule { Match = "event.data.kind == \"vip\"", Path = "/vip" });
        return new TopicSubscription
        {
            PubsubName = "pubsub",
            Topic = topic,
            Routes = routes,
        };
    }
}
