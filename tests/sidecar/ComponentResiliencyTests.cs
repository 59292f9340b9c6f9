using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Tests.Sidecar;

/// <summary>Resiliency files at work on calls to components, whose Redis goes away and comes back.</summary>
internal sealed class ComponentResiliencyTests : SidecarFixture
{
    private static readonly string Policies = Yaml.Resiliency(
        """
        retries:
          patient: { policy: constant, duration: 100ms, maxRetries: 2000 }
        circuitBreakers:
          quick: { timeout: 1h, trip: consecutiveFailures >= 1 }
        timeouts: { brief: 100ms }
        """,
        """
        components:
          store: { outbound: { retry: patient } }
          pubsub: { outbound: { retry: patient } }
          locks: { outbound: { retry: patient } }
          patientWeb: { outbound: { retry: patient } }
          briefWeb: { outbound: { timeout: brief } }
          fragileWeb: { outbound: { circuitBreaker: quick } }
          fragile: { outbound: { circuitBreaker: quick } }
        """
    );

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
    public async Task TryLockAlpha1_RedisAwayForAMoment_IsRetriedUntilItIsBack()
    {
        var (redis, client) = await StartAsync("locks", "lock.redis");
        await redis.KillAsync();
        var locking = client.TryLockAlpha1Async(Lock("locks", "a")).ResponseAsync;
        await redis.StartAgainAsync();
        Assert.That((await locking.WaitAsync(TimeSpan.FromSeconds(90))).Success);
        Assert.That((await client.TryLockAlpha1Async(Lock("locks", "b"))).Success, Is.False);
    }

    [Test]
    public async Task TryLockAlpha1_CircuitOpen_IsRefusedWithoutTheStore()
    {
        var (redis, client) = await StartAsync("fragile", "lock.redis");
        await redis.KillAsync();
        async Task TryAsync() => await client.TryLockAlpha1Async(Lock("fragile", "a"));
        await DaprFailure.OfAsync(TryAsync);
        await redis.StartAgainAsync();
        var failure = await DaprFailure.OfAsync(TryAsync);
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Internal));
        Assert.That(failure.Message, Does.EndWith("circuit breaker is open"));
    }

    [Test]
    public async Task PublishEvent_CircuitOpen_IsRefusedWithoutTheBroker()
    {
        var (redis, client) = await StartAsync("fragile", "pubsub.redis");
        await redis.KillAsync();
        var request = new PublishEventRequest { PubsubName = "fragile", Topic = Topic() };
        await DaprFailure.OfAsync(async () => await client.PublishEventAsync(request));
        await redis.StartAgainAsync();
        var failure = await DaprFailure.OfAsync(async () => await client.PublishEventAsync(request));
        Assert.That(failure.Reason, Is.EqualTo("DAPR_PUBSUB_PUBLISH_MESSAGE"));
        Assert.That(failure.Message, Does.EndWith("circuit breaker is open"));
    }

    [Test]
    public async Task InvokeBinding_SystemFailsTwice_ThirdAttemptAnswers()
    {
        var (site, client) = await StartWebAsync("patientWeb", call => call <= 2 ? 503 : 200);
        await client.InvokeBindingAsync(Get("patientWeb"));
        Assert.That(site.Requests, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task InvokeBinding_CircuitOpen_IsRefusedWithoutTheSystem()
    {
        var (site, client) = await StartWebAsync("fragileWeb", _ => 503);
        async Task TryAsync() => await client.InvokeBindingAsync(Get("fragileWeb"));
        await DaprFailure.OfAsync(TryAsync);
        var failure = await DaprFailure.OfAsync(TryAsync);
        Assert.That(failure.Reason, Is.EqualTo("ERR_INVOKE_OUTPUT_BINDING"));
        Assert.That(failure.Message, Does.EndWith("circuit breaker is open"));
        Assert.That(site.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task InvokeBinding_SlowerThanTheLimit_Fails()
    {
        var never = new TaskCompletionSource();
        var site = Own(await HttpTestApp.StartAsync(_ => never.Task));
        var client = await StartWebAsync("briefWeb", site);
        var failure = await DaprFailure.OfAsync(async () => await client.InvokeBindingAsync(Get("briefWeb")));
        Assert.That(failure.Reason, Is.EqualTo("ERR_INVOKE_OUTPUT_BINDING"));
        never.SetResult();
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
        // An answer that is only late must not be asked for again: a lock would be taken by then.
        var settings = Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}") + Yaml.Item("readTimeout", "60s");
        var component = Yaml.Component(name, type, "v1", settings);
        var sidecar = Own(await TestSidecar.StartAsync(component + Policies, TestSidecar.App("patient")));
        return (redis, sidecar.Client("patient"));
    }

    private async Task<(HttpTestApp, DaprApi.DaprClient)> StartWebAsync(string name, Func<int, int> answer)
    {
        var calls = 0;
        var site = Own(
            await HttpTestApp.StartAsync(context =>
            {
                context.Response.StatusCode = answer(Interlocked.Increment(ref calls));
                return Task.CompletedTask;
            })
        );
        return (site, await StartWebAsync(name, site));
    }

    private async Task<DaprApi.DaprClient> StartWebAsync(string name, HttpTestApp site)
    {
        var url = Yaml.Item("url", $"http://127.0.0.1:{site.Port}/");
        var component = Yaml.Component(name, "bindings.http", "v1", url);
        var sidecar = Own(await TestSidecar.StartAsync(component + Policies, TestSidecar.App("patient")));
        return sidecar.Client("patient");
    }

    private static InvokeBindingRequest Get(string name) => new() { Name = name, Operation = "get" };

    private static TryLockRequest Lock(string store, string owner) =>
        new()
        {
            StoreName = store,
            ResourceId = "r",
            LockOwner = owner,
            ExpiryInSeconds = 600,
        };

    private static SaveStateRequest Item(string store)
    {
        var request = new SaveStateRequest { StoreName = store };
        request.States.Add(new StateItem { Key = "k", Value = ByteString.CopyFromUtf8("v") });
        return request;
    }
}
