using System.Text.Json;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Dapr's own JavaScript SDK, which knows nothing of this runtime.</summary>
internal sealed class JavaScriptSdkTests : SidecarFixture
{
    [Test]
    public async Task Shop_OnTheOfficialSdk_SellsWhatItHas()
    {
        var package = await NodePackage.OpenAsync("tests/sidecar/js");
        var redis = Own(await RedisProcess.StartAsync());
        var database = Own(await SidecarDatabase.CreateAsync());
        var sidecar = Own(
            await TestSidecar.StartAsync(
                Components(redis, database),
                App("shop", "http"),
                App("warehouse", "grpc")
            )
        );
        var places = new { shop = PlaceOf(sidecar, "shop"), warehouse = PlaceOf(sidecar, "warehouse") };
        var output = await package.RunAsync("shop.mjs", JsonSerializer.Serialize(places));
        using var result = JsonDocument.Parse(output.Trim().Split('\n')[^1]);
        using var expected = JsonDocument.Parse(
            """
            {
              "orders": {
                "paid-order": { "state": "shipped", "paid": { "amount": 40 } },
                "greedy-order": { "state": "refused", "why": "out of stock" }
              },
              "stock": { "left": 1 },
              "shipped": ["paid-order"],
              "large": ["large-order"],
              "deadLetters": ["bad-order"],
              "audited": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
              "notPublished": 0,
              "till": 80,
              "sales": [["sales", ["paid-order"]], ["missing", null]],
              "locks": [true, false]
            }
            """
        );
        Assert.That(JsonElement.DeepEquals(result.RootElement, expected.RootElement), output);
    }

    [Test]
    public async Task Tour_OfTheOfficialSdksClient_IsTheSameOverHttpAndGrpc()
    {
        var package = await NodePackage.OpenAsync("tests/sidecar/js");
        var redis = Own(await RedisProcess.StartAsync());
        var database = Own(await SidecarDatabase.CreateAsync());
        var web = Own(await EchoApp.StartAsync());
        using var secrets = new TemporaryFolder();
        var components =
            Components(redis, database)
            + Yaml.Component("web", "bindings.http", "v1", Yaml.Item("url", $"http://127.0.0.1:{web.Port}"))
            + Yaml.Component("tick", "bindings.cron", "v1", Yaml.Item("schedule", "@every 100ms"))
            + Yaml.Component(
                "secrets",
                "secretstores.local.file",
                "v1",
                Yaml.Item("secretsFile", secrets.Write("s.json", """{"mail":{"user":"m","password":"p"}}"""))
            );
        var sidecar = Own(await TestSidecar.StartAsync(components, App("desk", "grpc")));
        var places = JsonSerializer.Serialize(new { desk = PlaceOf(sidecar, "desk") });
        var output = await package.RunAsync("tour.mjs", places);
        using var tours = JsonDocument.Parse(output.Trim().Split('\n')[^1]);
        foreach (var protocol in new[] { "HTTP", "GRPC" })
        {
            using var expected = JsonDocument.Parse(Tour.Replace("PROTOCOL", protocol));
            var tour = tours.RootElement.GetProperty(protocol);
            Assert.That(
                JsonElement.DeepEquals(tour, expected.RootElement),
                $"{tour}\n{expected.RootElement}"
            );
        }
        Assert.That(
            tours.RootElement.GetProperty("unsupported").EnumerateArray().Select(said => said.GetString()),
            Is.All.EqualTo("Method is unimplemented.")
        );
    }

    private const string Tour = """
        {
          "read": { "object": { "n": 1 }, "text": "text", "number": 5, "no": false, "zero": 0,
                    "list": [1, 2], "unicode": "ключ", "missing": "" },
          "bulk": ["text", null],
          "after": ["changed", ""],
          "healthy": true,
          "metadata": ["desk", "PROTOCOL"],
          "locks": [true, false, 2, 0, 1],
          "secrets": [{ "mail:user": "m" },
                      { "mail:user": { "mail:user": "m" }, "mail:password": { "mail:password": "p" } }],
          "echo": ["PUT", "/parcels", "{\"parcel\":1}"],
          "greeted": { "hello": "PROTOCOL" },
          "refused": {
            "etag": "failed saving state in state store statestore: possible etag mismatch",
            "store": "state store nowhere is not found",
            "pubsub": "pubsub nowhere is not found",
            "binding": "error invoking output binding nowhere: couldn't find output binding nowhere",
            "operation": "error invoking output binding web: binding web does not support operation juggle",
            "secret": "failed getting secret with key none from secret store secrets: secret none not found",
            "secretStore": "failed finding secret store with key nowhere",
            "lockStore": "lock store nowhere not found",
            "app": "failed to invoke, id: nowhere, err: couldn't find service: nowhere"
          },
          "stumbled": true
        }
        """;

    private static string Components(RedisProcess redis, SidecarDatabase database)
    {
        var redisHost = Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}");
        return Yaml.PostgresState(database.Address, "statestore", Yaml.Item("actorStateStore", "true"))
            + Yaml.Component("pubsub", "pubsub.redis", "v1", redisHost)
            + Yaml.Component("lockstore", "lock.redis", "v1", redisHost)
            + Yaml.Retries(-1, "200ms");
    }

    private static AppSpec App(string id, string protocol) =>
        TestSidecar.App(id, FreePorts.One()) with
        {
            Protocol = protocol,
        };

    private static object PlaceOf(TestSidecar sidecar, string appId)
    {
        var spec = sidecar.Spec(appId);
        return new
        {
            app = spec.AppPort,
            http = spec.HttpPort,
            grpc = spec.GrpcPort,
        };
    }
}
