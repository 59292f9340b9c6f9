using System.Text.Json;

namespace Souk.Tests.Sidecar;

/// <summary>Publishing over HTTP.</summary>
internal sealed class HttpPublishTests : PubSubFixture
{
    [Test]
    public async Task Publish_Json_ArrivesWithContentTypeAndTrace()
    {
        var topic = Topic();
        var (sidecar, app) = await StartToAsync(topic);
        const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var answer = await PostAsync(
            sidecar,
            $"/v1.0/publish/pubsub/{topic}",
            """{"n":1}""",
            headers: ("traceparent", Trace)
        );
        Assert.That(answer, Is.EqualTo((204, "")));
        var received = (await app.UntilAsync(1))[0];
        Assert.That(received["data"].GetRawText(), Is.EqualTo("""{"n":1}"""));
        Assert.That(received["datacontenttype"].GetString(), Is.EqualTo("application/json"));
        Assert.That(
            received["traceparent"].GetString(),
            Does.StartWith("00-0af7651916cd43dd8448eb211c80319c")
        );
    }

    [Test]
    public async Task Publish_NoContentType_IsText()
    {
        var topic = Topic();
        var (sidecar, app) = await StartToAsync(topic);
        await PostAsync(sidecar, $"/v1.0/publish/pubsub/{topic}", "hi", contentType: null);
        var received = (await app.UntilAsync(1))[0];
        Assert.That(
            (received["data"].GetString(), received["datacontenttype"].GetString()),
            Is.EqualTo(("hi", "text/plain"))
        );
    }

    [Test]
    public async Task Publish_MetadataInTheQuery_OverridesAttributes()
    {
        var topic = Topic();
        var (sidecar, app) = await StartToAsync(topic);
        var query =
            "metadata.cloudevent.id=mine&metadata.cloudevent.type=stock.high&metadata.ttlInSeconds=60";
        await PostAsync(sidecar, $"/v1.0/publish/pubsub/{topic}?{query}", "{}");
        var received = (await app.UntilAsync(1))[0];
        Assert.That(
            (received["id"].GetString(), received["type"].GetString()),
            Is.EqualTo(("mine", "stock.high"))
        );
        Assert.That(received.Body.TryGetProperty("expiration", out _));
    }

    [Test]
    public async Task Publish_TopicWithSlashes_IsOneTopic()
    {
        var topic = Topic() + "/a b/c";
        var (sidecar, app) = await StartToAsync(topic);
        await PostAsync(sidecar, $"/v1.0/publish/pubsub/{topic.Replace(" ", "%20")}", "1");
        await PostAsync(sidecar, $"/v1.0/publish/pubsub/{Uri.EscapeDataString(topic)}", "2");
        var received = await app.UntilAsync(2);
        Assert.That(received.Select(item => item["topic"].GetString()), Has.All.EqualTo(topic));
    }

    [TestCase("/v1.0/publish/other/t", "{}", 404, "ERR_PUBSUB_NOT_FOUND", "DAPR_PUBSUB_NOT_FOUND")]
    [TestCase("/v1.0/publish/pubsub/", "{}", 404, "ERR_TOPIC_NAME_EMPTY", "DAPR_PUBSUB_TOPIC_NAME_EMPTY")]
    [TestCase("/v1.0/publish/pubsub", "{}", 404, "ERR_TOPIC_NAME_EMPTY", "DAPR_PUBSUB_TOPIC_NAME_EMPTY")]
    [TestCase("/v1.0/publish//t", "{}", 404, "ERR_PUBSUB_EMPTY", "DAPR_PUBSUB_NAME_EMPTY")]
    [TestCase("/v1.0/publish/pubsub/secret", "{}", 403, "ERR_PUBSUB_FORBIDDEN", "DAPR_PUBSUB_FORBIDDEN")]
    [TestCase(
        "/v1.0/publish/pubsub/t?metadata.rawPayload=perhaps",
        "{}",
        400,
        "ERR_PUBSUB_REQUEST_METADATA",
        "DAPR_PUBSUB_METADATA_DESERIALIZATION"
    )]
    [TestCase("/v1.0/publish/bulk/other/t", "[]", 404, "ERR_PUBSUB_NOT_FOUND", "DAPR_PUBSUB_NOT_FOUND")]
    [TestCase(
        "/v1.0/publish/bulk/pubsub/t",
        "{}",
        400,
        "ERR_PUBSUB_EVENTS_SER",
        "DAPR_PUBSUB_MARSHAL_EVENTS"
    )]
    [TestCase("/v1.0/publish/bulk/pubsub/t", "[", 400, "ERR_PUBSUB_EVENTS_SER", "DAPR_PUBSUB_MARSHAL_EVENTS")]
    [TestCase(
        "/v1.0/publish/bulk/pubsub/t",
        """[{"entryId":"a","event":{"n":1},"contentType":"text/plain"}]""",
        400,
        "ERR_PUBSUB_EVENTS_SER",
        "DAPR_PUBSUB_MARSHAL_EVENTS"
    )]
    [TestCase(
        "/v1.0/publish/bulk/pubsub/t",
        """[{"entryId":"a","event":"%%","contentType":"application/octet-stream"}]""",
        400,
        "ERR_PUBSUB_EVENTS_SER",
        "DAPR_PUBSUB_MARSHAL_EVENTS"
    )]
    [TestCase(
        "/v1.0/publish/bulk/pubsub/t",
        """[{"event":{},"contentType":"application/json"}]""",
        400,
        "ERR_PUBSUB_EVENTS_SER",
        "DAPR_PUBSUB_MARSHAL_EVENTS"
    )]
    public async Task Publish_Wrong_SaysWhy(
        string path,
        string body,
        int status,
        string errorCode,
        string reason
    )
    {
        var component = Yaml.RedisPubSub(metadata: Yaml.Item("protectedTopics", "secret"));
        var sidecar = await StartAsync(component);
        var answer = await PostAsync(sidecar, path, body);
        using var json = JsonDocument.Parse(answer.Body);
        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(json.RootElement.GetProperty("errorCode").GetString(), Is.EqualTo(errorCode));
        var info = json.RootElement.GetProperty("details")[0];
        Assert.That(info.GetProperty("reason").GetString(), Is.EqualTo(reason));
    }

    [Test]
    public async Task Publish_CloudEventThatIsNone_IsRefused()
    {
        var sidecar = await StartAsync(Yaml.RedisPubSub());
        var answer = await PostAsync(
            sidecar,
            $"/v1.0/publish/pubsub/{Topic()}",
            "no json",
            "application/cloudevents+json"
        );
        Assert.That(answer.Status, Is.EqualTo(500));
        Assert.That(answer.Body, Does.Contain("ERR_PUBSUB_CLOUD_EVENTS_SER"));
    }

    [Test]
    public async Task Publish_NoPubSubAtAll_SaysSo()
    {
        var sidecar = await StartAsync("");
        var answer = await PostAsync(sidecar, "/v1.0/publish/pubsub/t", "{}");
        Assert.That(answer.Status, Is.EqualTo(400));
        Assert.That(answer.Body, Does.Contain("DAPR_PUBSUB_NOT_CONFIGURED"));
    }

    [TestCase("v1.0")]
    [TestCase("v1.0-alpha1")]
    public async Task PublishBulk_EventsOfSeveralTypes_ArriveEach(string version)
    {
        var topic = Topic();
        var (sidecar, app) = await StartToAsync(topic);
        const string Entries = """
            [{"entryId":"a","event":{"n":1},"contentType":"application/json"},
             {"entryId":"b","event":"words","contentType":"text/plain","metadata":{"cloudevent.type":"b"}},
             {"entryId":"c","event":"AAH/","contentType":"application/octet-stream"}]
            """;
        var answer = await PostAsync(sidecar, $"/{version}/publish/bulk/pubsub/{topic}", Entries);
        Assert.That(answer, Is.EqualTo((204, "")));
        var received = await app.UntilAsync(3);
        var byType = received.ToDictionary(item => item["datacontenttype"].GetString()!);
        Assert.That(byType["application/json"]["data"].GetRawText(), Is.EqualTo("""{"n":1}"""));
        Assert.That(byType["text/plain"]["data"].GetString(), Is.EqualTo("words"));
        Assert.That(byType["text/plain"]["type"].GetString(), Is.EqualTo("b"));
        Assert.That(
            byType["application/octet-stream"]["data_base64"].GetBytesFromBase64(),
            Is.EqualTo(new byte[] { 0, 1, 255 })
        );
    }

    [Test]
    public async Task PublishBulk_BrokerAway_NamesTheFailedEntries()
    {
        var redis = await RedisProcess.StartAsync();
        var component = Yaml.Component(
            "pubsub",
            "pubsub.redis",
            "v1",
            Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}") + Yaml.Item("redisMaxRetries", "0")
        );
        var sidecar = await StartAsync(component);
        await redis.DisposeAsync();
        const string Entries = """[{"entryId":"a","event":1,"contentType":"application/json"}]""";
        var (status, body) = await PostAsync(sidecar, "/v1.0/publish/bulk/pubsub/t", Entries);
        using var json = JsonDocument.Parse(body);
        Assert.That(status, Is.EqualTo(500));
        Assert.That(
            json.RootElement.GetProperty("errorCode").GetString(),
            Is.EqualTo("ERR_PUBSUB_PUBLISH_MESSAGE")
        );
        var failed = json.RootElement.GetProperty("failedEntries")[0];
        Assert.That(failed.GetProperty("entryId").GetString(), Is.EqualTo("a"));
        Assert.That(failed.GetProperty("error").GetString(), Is.Not.Empty);

        (status, body) = await PostAsync(sidecar, "/v1.0/publish/pubsub/t", "{}");
        Assert.That(status, Is.EqualTo(500));
        Assert.That(body, Does.Contain("DAPR_PUBSUB_PUBLISH_MESSAGE"));
    }

    private Task<(TestSidecar Sidecar, HttpTopicApp App)> StartToAsync(string topic) =>
        StartHttpAsync($$"""[{"pubsubname":"pubsub","topic":"{{topic}}","route":"/events"}]""");
}
