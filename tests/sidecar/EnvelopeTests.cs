using System.Text.Json;
using Souk.Sidecar;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>
/// What lies on the stream between publisher and subscriber: the envelope, attribute by attribute, and what
/// the broker is told beside it.
/// </summary>
internal sealed class EnvelopeTests : PubSubFixture
{
    private static readonly string Source = GivenSidecar.AppId(Publisher);

    private const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Test]
    public async Task PublishEvent_Envelope_HasEveryAttribute()
    {
        var topic = Topic();
        var sidecar = await StartAsync(Yaml.RedisPubSub());
        var request = PublishRequest.Of(topic, "{\"n\":1}", "application/json", ("ttlInSeconds", "100"));
        var headers = new Grpc.Core.Metadata { { "traceparent", Trace }, { "tracestate", "a=1" } };
        await sidecar.Client(Publisher).PublishEventAsync(request, headers);
        var (envelope, _) = await StoredAsync(topic);
        var names = envelope.EnumerateObject().Select(member => member.Name);
        Assert.That(
            names,
            Is.EquivalentTo(
                new[]
                {
                    "id",
                    "source",
                    "type",
                    "specversion",
                    "datacontenttype",
                    "topic",
                    "pubsubname",
                    "time",
                    "traceid",
                    "traceparent",
                    "tracestate",
                    "expiration",
                    "data",
                }
            )
        );
        string Text(string name) => envelope.GetProperty(name).ToString();
        Assert.Multiple(() =>
        {
            Assert.That(Guid.TryParse(Text("id"), out _));
            Assert.That((Text("source"), Text("type")), Is.EqualTo((Source, "com.dapr.event.sent")));
            Assert.That((Text("topic"), Text("pubsubname")), Is.EqualTo((topic, "pubsub")));
            Assert.That((Text("specversion"), Text("data")), Is.EqualTo(("1.0", "{\"n\":1}")));
            Assert.That(Text("time"), Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"));
            Assert.That((Text("traceid"), Text("traceparent")), Is.EqualTo((Trace, Trace)));
            Assert.That(Text("tracestate"), Is.EqualTo("a=1"));
            var lifetime = DateTimeOffset.Parse(Text("expiration")) - DateTimeOffset.Parse(Text("time"));
            Assert.That(lifetime, Is.EqualTo(TimeSpan.FromSeconds(100)));
        });
    }

    [TestCase("application/json", "{ \"b\" : 1 }", "data", "{\"b\":1}")]
    [TestCase("application/vnd.shop+json", "[1, 2]", "data", "[1,2]")]
    [TestCase("application/json; charset=utf-8", "7", "data", "7")]
    [TestCase("application/json", "{broken", "data", "\"{broken\"")]
    [TestCase("text/plain", "{\"n\":1}", "data", "\"{\\\"n\\\":1}\"")]
    [TestCase("application/xml", "<a/>", "data", "\"<a/>\"")]
    [TestCase("application/octet-stream", "abc", "data_base64", "\"YWJj\"")]
    public async Task PublishEvent_ContentType_DecidesHowTheDataIsKept(
        string contentType,
        string data,
        string member,
        string kept
    )
    {
        var topic = Topic();
        var sidecar = await StartAsync(Yaml.RedisPubSub());
        await PublishAsync(sidecar, topic, data, contentType);
        var (envelope, _) = await StoredAsync(topic);
        Assert.That(envelope.GetProperty(member).GetRawText(), Is.EqualTo(kept));
        Assert.That(envelope.GetProperty("datacontenttype").GetString(), Is.EqualTo(contentType));
    }

    [Test]
    public async Task PublishEvent_Overrides_AreThoseSevenAndNoOthers()
    {
        var topic = Topic();
        var sidecar = await StartAsync(Yaml.RedisPubSub());
        string[] names = ["id", "source", "type", "subject", "traceid", "traceparent", "tracestate"];
        string[] ignored = ["time", "topic", "specversion", "data", "colour"];
        var metadata = names.Concat(ignored).Select(name => ("cloudevent." + name, "my " + name));
        await PublishAsync(sidecar, topic, "x", "text/plain", [.. metadata]);
        var (envelope, _) = await StoredAsync(topic);
        foreach (var name in names)
            Assert.That(envelope.GetProperty(name).GetString(), Is.EqualTo("my " + name));
        foreach (var name in ignored)
            Assert.That(
                envelope.TryGetProperty(name, out var value) ? value.GetString() : "",
                Is.Not.EqualTo("my " + name)
            );
    }

    [Test]
    public async Task PublishEvent_CompleteCloudEvent_IsFilledInAndNotOverridden()
    {
        var topic = Topic();
        var sidecar = await StartAsync(Yaml.RedisPubSub());
        const string Given = """{"type":"mine","topic":"lie","pubsubname":"lie","data":[1],"x":true}""";
        await PublishAsync(
            sidecar,
            topic,
            Given,
            "application/cloudevents+json",
            ("cloudevent.type", "ignored"),
            ("cloudevent.id", "ignored")
        );
        var (envelope, _) = await StoredAsync(topic);
        string Text(string name) => envelope.GetProperty(name).ToString();
        Assert.That((Text("type"), Text("x"), Text("data")), Is.EqualTo(("mine", "True", "[1]")));
        Assert.That((Text("topic"), Text("pubsubname")), Is.EqualTo((topic, "pubsub")));
        Assert.That((Text("source"), Text("specversion")), Is.EqualTo((Source, "1.0")));
        Assert.That(Guid.TryParse(Text("id"), out _));
        Assert.That(Text("time") + Text("traceparent"), Is.Not.Empty);
    }

    [Test]
    public async Task PublishEvent_Metadata_GoesToTheBrokerAndToTheSubscribers()
    {
        var topic = Topic();
        var grpc = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var http = Own(
            await HttpTopicApp.StartAsync($$"""[{"pubsubname":"pubsub","topic":"{{topic}}","route":"/e"}]""")
        );
        var sidecar = await StartAsync(
            Yaml.RedisPubSub(),
            TestSidecar.App("by-grpc", grpc.Port),
            HttpApp(http)
        );
        // What looks like a header of the sidecar's own must not pass for it.
        await PublishAsync(sidecar, topic, "x", "text/plain", ("shelf", "A 7"), ("pubsubname", "forged"));
        Assert.That((await http.UntilAsync(1))[0].Headers["metadata.shelf"], Is.EqualTo("A 7"));
        await grpc.UntilAsync(1);
        Assert.That(grpc.LastHeaders?.GetValue("shelf"), Is.EqualTo("A 7"));
        Assert.That(grpc.LastHeaders?.GetAll("pubsubname").Single().Value, Is.EqualTo("pubsub"));
        var (_, metadata) = await StoredAsync(topic);
        Assert.That(metadata?.GetProperty("shelf").GetString(), Is.EqualTo("A 7"));
    }

    [Test]
    public async Task PublishEvent_NoMetadata_HasNoSuchFieldOnTheStream()
    {
        var topic = Topic();
        var sidecar = await StartAsync(Yaml.RedisPubSub());
        await PublishAsync(sidecar, topic, "x");
        Assert.That((await StoredAsync(topic)).Metadata, Is.Null);
    }

    [Test]
    public async Task OnTopicEvent_WhatDaprWrote_IsDelivered()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        const string Written =
            """{"id":"7","source":"other","specversion":"1.0","type":"t","data":{"n":1}}""";
        await RedisAsync("XADD", topic, "*", "data", Written, "metadata", """{"shelf":"B"}""");
        var received = (await app.UntilAsync(1))[0];
        Assert.That((received.Id, received.Data.ToStringUtf8()), Is.EqualTo(("7", "{\"n\":1}")));
        Assert.That(app.LastHeaders?.GetValue("shelf"), Is.EqualTo("B"));
    }

    [Test]
    public async Task OnTopicEvent_EnvelopeToARawSubscriber_IsItsBytes()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic, raw: true)));
        var sidecar = await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        await PublishAsync(sidecar, topic, "{\"n\":1}");
        var received = (await app.UntilAsync(1))[0];
        Assert.That((received.Source, received.Type), Is.EqualTo(("Dapr", "com.dapr.event.sent")));
        using var inner = JsonDocument.Parse(received.Data.Memory);
        Assert.That(inner.RootElement.GetProperty("data").GetRawText(), Is.EqualTo("{\"n\":1}"));
    }

    [TestCase("", "", Subscriber)]
    [TestCase("shared", "", "shared")]
    [TestCase("{appID}-group", "", Subscriber + "-group")]
    [TestCase("{namespace}", "market", "market." + Subscriber)]
    public async Task Subscribe_ConsumerId_NamesTheGroup(string consumer, string space, string group)
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var metadata = consumer.Length == 0 ? "" : Yaml.Item("consumerID", consumer);
        var settings = new SidecarSettings { Namespace = space };
        var spec = TestSidecar.App(Subscriber, app.Port);
        Own(await TestSidecar.StartAsync(settings, Yaml.RedisPubSub(metadata: metadata), spec));
        // A component that names the namespace keeps its topics apart by it.
        var stream = consumer == "{namespace}" ? space + topic : topic;
        await Eventually.ThatAsync(
            async () => (await GroupsAsync(stream)).Contains(group),
            $"the group {group} on {stream}"
        );
    }

    [Test]
    public async Task Subscribe_ConsumerIdByUuid_IsAGroupOfItsOwn()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var pubSub = Yaml.RedisPubSub(metadata: Yaml.Item("consumerID", "one-{uuid}"));
        Own(await TestSidecar.StartAsync(pubSub, TestSidecar.App(Subscriber, app.Port)));
        await Eventually.ThatAsync(async () => (await GroupsAsync(topic)).Count == 1, "a group");
        Assert.That((await GroupsAsync(topic))[0], Does.Match("^one-[0-9a-f]{8}-.{27}$"));
    }

    [Test]
    public async Task Subscribe_ConsumerIdByAppAndPod_IsTheirGroup()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        Environment.SetEnvironmentVariable("POD_NAME", "stall-7");
        var pubSub = Yaml.RedisPubSub(metadata: Yaml.Item("consumerID", "{appID}-{podName}"));
        Own(await TestSidecar.StartAsync(pubSub, TestSidecar.App(Subscriber, app.Port)));
        await Eventually.ThatAsync(async () => (await GroupsAsync(topic)).Count == 1, "a group");
        Assert.That((await GroupsAsync(topic))[0], Is.EqualTo($"{Subscriber}-stall-7"));
    }

    [Test]
    public async Task PublishEvent_ComponentByNamespace_StaysInIt()
    {
        var topic = Topic();
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var pubSub = Yaml.RedisPubSub(metadata: Yaml.Item("consumerID", "{namespace}"));
        var settings = new SidecarSettings { Namespace = "market" };
        var sidecar = Own(
            await TestSidecar.StartAsync(settings, pubSub, TestSidecar.App(Publisher, app.Port))
        );
        await PublishAsync(sidecar, topic, "x");
        Assert.That((await app.UntilAsync(1))[0].Topic, Is.EqualTo(topic));
        Assert.That((await RedisAsync("XLEN", "market" + topic)).Integer, Is.EqualTo(1));
    }

    private static async Task<List<string>> GroupsAsync(string stream)
    {
        if ((await RedisAsync("EXISTS", stream)).Integer == 0)
            return [];
        var groups = await RedisAsync("XINFO", "GROUPS", stream);
        return [.. groups.Items.Select(group => group.Items[1].Text)];
    }

    private static async Task<(JsonElement Envelope, JsonElement? Metadata)> StoredAsync(string topic)
    {
        var entry = (await RedisAsync("XRANGE", topic, "-", "+")).Items.Single();
        var fields = entry.Items[1].Items;
        Assert.That(fields[0].Text, Is.EqualTo("data"));
        using var envelope = JsonDocument.Parse(fields[1].Bytes);
        if (fields.Length == 2)
            return (envelope.RootElement.Clone(), null);
        Assert.That(fields[2].Text, Is.EqualTo("metadata"));
        using var metadata = JsonDocument.Parse(fields[3].Bytes);
        return (envelope.RootElement.Clone(), metadata.RootElement.Clone());
    }
}
