using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Tests.Sidecar;

/// <summary>Resiliency files at work on calls to components, whose Redis goes away and comes back.</summary>
internal sealed class ComponentResiliencyTests : SidecarFixture
{
    private const string Policies = """
        ---
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: { name: test }
        spec:
          policies:
            retries:
              patient: { policy: constant, duration: 100ms, maxRetries: 200 }
            circuitBreakers:
              quick: { timeout: 1h, trip: consecutiveFailures >= 1 }
          targets:
            components:
              store: { outbound: { retry: patient } }
              pubsub: { outbound: { retry: patient } }
              fragile: { outbound: { circuitBreaker: quick } }

        """;

    [Test]
    public async Task SaveState_RedisAwayForAMoment_IsRetriedUntilItIsBack()
    {
        var (redis, client) = await StartAsync("store", "state.redis");
        await redis.KillAsync();
        var saving = client.SaveStateAsync(Item("store")).ResponseAsync;
        await redis.StartAgainAsync();
        await saving.WaitAsync(TimeSpan.FromSeconds(90));
        var read = await client.GetStateAsync(new GetStateRequest { StoreName = "store", Key = "k" });
        Assert.That(read.Data.ToStringUtf8(), Is.EqualTo("v"));
    }

    [Test]
    public async Task PublishEvent_RedisAwayForAMoment_IsRetriedUntilItIsBack()
    {
        var (redis, client) = await StartAsync("pubsub", "pubsub.redis");
        await redis.KillAsync();
        var request = new PublishEventRequest { PubsubName = "pubsub", Topic = Topic() };
        var publishing = client.PublishEventAsync(request).ResponseAsync;
        await redis.StartAgainAsync();
        Assert.That(await publishing.WaitAsync(TimeSpan.FromSeconds(90)), Is.Not.Null);
    }

    [Test]
    public async Task SaveState_CircuitOpen_IsRefusedWithoutTheStore()
    {
        var (redis, client) = await StartAsync("fragile", "state.redis");
        await redis.KillAsync();
        await DaprFailure.OfAsync(async () => await client.SaveStateAsync(Item("fragile")));
        await redis.StartAgainAsync();
        var failure = await DaprFailure.OfAsync(async () => await client.SaveStateAsync(Item("fragile")));
        Assert.That((failure.Code, failure.Reason), Is.EqualTo((StatusCode.Internal, "ERR_STATE_SAVE")));
        Assert.That(failure.Message, Does.EndWith("circuit breaker is open"));
    }

    private async Task<(RedisProcess, DaprApi.DaprClient)> StartAsync(string name, string type)
    {
        var redis = Own(await RedisProcess.StartAsync());
        var component = Yaml.Component(name, type, "v1", Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}"));
        var sidecar = Own(await TestSidecar.StartAsync(component + Policies, TestSidecar.App("patient")));
        return (redis, sidecar.Client("patient"));
    }

    private static SaveStateRequest Item(string store)
    {
        var request = new SaveStateRequest { StoreName = store };
        request.States.Add(new StateItem { Key = "k", Value = ByteString.CopyFromUtf8("v") });
        return request;
    }
}
