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
