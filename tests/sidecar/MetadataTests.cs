using System.Net;
using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Souk.Sidecar;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;
using Souk.Tests.Sidecar.Workflows;

namespace Souk.Tests.Sidecar;

/// <summary>What a sidecar says of itself, field by field, over gRPC and over HTTP.</summary>
internal sealed class MetadataTests : PubSubFixture
{
    private const string Endpoint = """
        ---
        apiVersion: dapr.io/v1alpha1
        kind: HTTPEndpoint
        metadata: { name: far }
        spec: { baseUrl: "http://127.0.0.1:9" }

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("souk-metadata-").FullName;

    [OneTimeTearDown]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task GetMetadata_EveryField_IsToldByBothProtocols()
    {
        var (declared, listed, streamed) = (Topic(), Topic(), Topic());
        var app = Own(await TopicApp.StartAsync(Listed(listed)));
        var sidecar = Own(await TestSidecar.StartAsync(Components(declared), await SpecAsync(app)));
        var client = sidecar.Client("whole");
        using var stream = client.SubscribeTopicEventsAlpha1();
        await stream.RequestStream.WriteAsync(
            new()
            {
                InitialRequest = new() { PubsubName = "pubsub", Topic = streamed },
            }
        );
        await stream.ResponseStream.MoveNext(CancellationToken.None);
        await client.SetMetadataAsync(new() { Key = "cliPID", Value = "7" });
        await Eventually.ThatAsync(
            async () => (await client.GetMetadataAsync(new())).Subscriptions.Count == 3,
            "three subscriptions"
        );

        var metadata = await client.GetMetadataAsync(new());
        using var http = sidecar.Http("whole");
        using var document = JsonDocument.Parse((await http.GetAsync("/v1.0/metadata")).Body);
        using var expected = JsonDocument.Parse(Expected(sidecar.Spec("whole"), declared, listed, streamed));
        Assert.That(
            JsonElement.DeepEquals(document.RootElement, expected.RootElement),
            $"{document.RootElement}\n{expected.RootElement}"
        );
        Assert.That(Spelled(metadata), Is.EqualTo(Told(document.RootElement)));
    }

    [Test]
    public async Task GetMetadata_Workflows_CountTheWorkers()
    {
        var database = Own(await SidecarDatabase.CreateAsync());
        var actors = Yaml.Item("actorStateStore", "true");
        var store = Yaml.PostgresState(database.Address, metadata: actors);
        var sidecar = Own(await TestSidecar.StartAsync(store, TestSidecar.App("flows")));
        var metadata = await sidecar.Client("flows").GetMetadataAsync(new());
        Assert.That(metadata.RegisteredComponents.Single().Capabilities, Does.Contain("ACTOR"));
        Assert.That(await WorkersAsync(), Is.EqualTo((0, 0)));
        await using var first = await ProtocolWorker.ConnectAsync(sidecar.Channel("flows"), _ => { });
        await using (await ProtocolWorker.ConnectAsync(sidecar.Channel("flows"), _ => { }))
            await Eventually.ThatAsync(async () => await WorkersAsync() == (2, 2), "two workers");
        await Eventually.ThatAsync(async () => await WorkersAsync() == (1, 1), "one of them to be gone");

        async Task<(int Grpc, int Http)> WorkersAsync()
        {
            var byGrpc = (await sidecar.Client("flows").GetMetadataAsync(new())).Workflows;
            using var http = sidecar.Http("flows");
            var byHttp = (await http.GetAsync("/v1.0/metadata")).Json.GetProperty("workflows");
            return (byGrpc.ConnectedWorkers, byHttp.GetProperty("connectedWorkers").GetInt32());
        }
    }

    private static string Components(string declared) =>
        Yaml.RedisPubSub()
        + Yaml.Component("store", "state.in-memory", "v1", "")
        + Yaml.RedisLock()
        + Yaml.Component("vault", "secretstores.local.env", "v1", Yaml.Item("prefix", "X_"))
        + Yaml.Component("web", "bindings.http", "v1", Yaml.Item("url", "http://127.0.0.1:9"))
        + Yaml.Cron("tick", "@yearly")
        + Endpoint
        + $$"""
            ---
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: { name: declared }
            spec:
              pubsubname: pubsub
              topic: {{declared}}
              routes: { default: /declared }

            """;

    private static TopicSubscription Listed(string topic)
    {
        var listed = TopicApp.To(topic, deadLetter: "dead", raw: true);
        listed.Routes.Default = "/otherwise";
        listed.Routes.Rules.Add(new TopicRule { Match = "event.type == 'a'", Path = "/a" });
        return listed;
    }

    private async Task<AppSpec> SpecAsync(TopicApp app)
    {
        var config = Path.Combine(_folder, "config.yaml");
        await File.WriteAllTextAsync(
            config,
            """
            kind: Configuration
            metadata: { name: c }
            spec:
              features:
                - { name: Swift, enabled: true }
                - { name: Slow, enabled: false }
            """
        );
        return TestSidecar.App("whole", app.Port) with { ConfigFiles = [config], MaxConcurrency = 7 };
    }

    [Test]
    public async Task GetMetadata_AppHealthCheck_IsDescribed()
    {
        var app = Own(await EchoApp.StartAsync());
        var check = new AppHealthCheck { Interval = TimeSpan.FromSeconds(90) };
        var spec = TestSidecar.App("checked", app.Port) with { Protocol = "http", HealthCheck = check };
        var sidecar = Own(await TestSidecar.StartAsync("", spec));
        var health = (await sidecar.Client("checked").GetMetadataAsync(new())).AppConnectionProperties.Health;
        Assert.That(
            (health.HealthCheckPath, health.HealthProbeInterval, health.HealthProbeTimeout),
            Is.EqualTo(("/healthz", "1m30s", "500ms"))
        );
        Assert.That(health.HealthThreshold, Is.EqualTo(3));
        using var http = sidecar.Http("checked");
        var told = (await http.GetAsync("/v1.0/metadata")).Json.GetProperty("appConnectionProperties");
        Assert.That(
            told.GetProperty("health").GetRawText(),
            Is.EqualTo(
                """{"healthCheckPath":"/healthz","healthProbeInterval":"1m30s","healthProbeTimeout":"500ms","healthThreshold":3}"""
            )
        );
    }

    [Test]
    public async Task AppChannelAddress_Other_IsWhereTheAppIsCalled()
    {
        var (place, port) = (IPAddress.Parse("127.0.0.2"), FreePorts.One());
        var builder = Loopback.Builder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(place, port));
        var app = Own(builder.Build());
        app.MapGet("/here", () => "found");
        await app.StartAsync();
        var spec = TestSidecar.App("apart", port) with { Protocol = "http", AppAddress = $"{place}" };
        var sidecar = Own(await TestSidecar.StartAsync("", spec));
        using var http = sidecar.Http("apart");
        Assert.That((await http.GetAsync("/v1.0/invoke/apart/method/here")).Body, Is.EqualTo("found"));
        var told = (await http.GetAsync("/v1.0/metadata")).Json.GetProperty("appConnectionProperties");
        Assert.That(told.GetProperty("channelAddress").GetString(), Is.EqualTo("127.0.0.2"));
    }

    private static string Expected(AppSpec app, string declared, string listed, string streamed) =>
        $$"""
            {
              "id": "whole",
              "runtimeVersion": "1.18.0-souk",
              "enabledFeatures": ["Swift"],
              "actors": [],
              "components": [
                { "name": "store", "type": "state.in-memory", "version": "v1",
                  "capabilities": ["ETAG", "TRANSACTIONAL", "TTL"] },
                { "name": "pubsub", "type": "pubsub.redis", "version": "v1", "capabilities": [] },
                { "name": "locks", "type": "lock.redis", "version": "v1", "capabilities": [] },
                { "name": "vault", "type": "secretstores.local.env", "version": "v1", "capabilities": [] },
                { "name": "web", "type": "bindings.http", "version": "v1",
                  "capabilities": ["OUTPUT_BINDING"] },
                { "name": "tick", "type": "bindings.cron", "version": "v1",
                  "capabilities": ["INPUT_BINDING"] }
              ],
              "httpEndpoints": [{ "name": "far" }],
              "subscriptions": [
                { "pubsubname": "pubsub", "topic": "{{declared}}",
                  "rules": [{ "match": "", "path": "/declared" }],
                  "deadLetterTopic": "", "metadata": {}, "type": "DECLARATIVE" },
                { "pubsubname": "pubsub", "topic": "{{listed}}",
                  "rules": [{ "match": "event.type == 'a'", "path": "/a" }, { "match": "", "path": "/otherwise" }],
                  "deadLetterTopic": "dead", "metadata": { "rawPayload": "true" }, "type": "PROGRAMMATIC" },
                { "pubsubname": "pubsub", "topic": "{{streamed}}", "rules": [{ "match": "", "path": "/" }],
                  "deadLetterTopic": "", "metadata": {}, "type": "STREAMING" }
              ],
              "extended": { "daprRuntimeVersion": "1.18.0-souk", "cliPID": "7" },
              "appConnectionProperties": { "port": {{app.AppPort}}, "protocol": "grpc",
                "channelAddress": "127.0.0.1", "maxConcurrency": 7 },
              "actorRuntime": { "runtimeStatus": "DISABLED", "hostReady": false, "placement": "" }
            }
            """;

    // What gRPC says, in the order and the words of the document.
    private static string Spelled(GetMetadataResponse metadata) =>
        string.Join(
            '\n',
            [
                metadata.Id,
                metadata.RuntimeVersion,
                string.Join(',', metadata.EnabledFeatures),
                .. metadata.RegisteredComponents.Select(item =>
                    $"{item.Name} {item.Type} {item.Version} {string.Join(',', item.Capabilities)}"
                ),
                .. metadata.HttpEndpoints.Select(item => item.Name),
                .. metadata.Subscriptions.Select(item =>
                    $"{item.PubsubName} {item.Topic} {item.DeadLetterTopic} {item.Type.ToString().ToUpperInvariant()} "
                    + string.Join(',', item.Rules.Rules.Select(rule => $"{rule.Match}>{rule.Path}"))
                    + string.Join(',', item.Metadata.Select(entry => $" {entry.Key}={entry.Value}"))
                ),
                .. metadata
                    .ExtendedMetadata.OrderBy(item => item.Key)
                    .Select(item => $"{item.Key}={item.Value}"),
                $"{metadata.AppConnectionProperties.Port} {metadata.AppConnectionProperties.Protocol} "
                    + $"{metadata.AppConnectionProperties.ChannelAddress} "
                    + $"{metadata.AppConnectionProperties.MaxConcurrency}",
                metadata.ActorRuntime.RuntimeStatus.ToString().ToUpperInvariant(),
            ]
        );

    private static string Told(JsonElement json)
    {
        string Text(JsonElement item, string name) => item.GetProperty(name).ToString();
        IEnumerable<JsonElement> Items(JsonElement item, string name) =>
            item.GetProperty(name).EnumerateArray();
        var app = json.GetProperty("appConnectionProperties");
        return string.Join(
            '\n',
            [
                Text(json, "id"),
                Text(json, "runtimeVersion"),
                string.Join(',', Items(json, "enabledFeatures")),
                .. Items(json, "components")
                    .Select(item =>
                        $"{Text(item, "name")} {Text(item, "type")} {Text(item, "version")} "
                        + string.Join(',', Items(item, "capabilities"))
                    ),
                .. Items(json, "httpEndpoints").Select(item => Text(item, "name")),
                .. Items(json, "subscriptions")
                    .Select(item =>
                        $"{Text(item, "pubsubname")} {Text(item, "topic")} {Text(item, "deadLetterTopic")} "
                        + $"{Text(item, "type")} "
                        + string.Join(
                            ',',
                            Items(item, "rules").Select(rule => $"{Text(rule, "match")}>{Text(rule, "path")}")
                        )
                        + string.Join(
                            ',',
                            item.GetProperty("metadata").EnumerateObject().Select(e => $" {e.Name}={e.Value}")
                        )
                    ),
                .. json.GetProperty("extended")
                    .EnumerateObject()
                    .OrderBy(item => item.Name)
                    .Select(item => $"{item.Name}={item.Value}"),
                $"{Text(app, "port")} {Text(app, "protocol")} {Text(app, "channelAddress")} "
                    + Text(app, "maxConcurrency"),
                Text(json.GetProperty("actorRuntime"), "runtimeStatus"),
            ]
        );
    }
}
