using System.Collections.Concurrent;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>What was acknowledged survives kill -9 of whoever acknowledged it.</summary>
internal sealed class CrashTests : SidecarFixture
{
    private readonly string _run = Guid.CreateVersion7().ToString("N");

    [Test]
    public async Task PublishEvent_SidecarKilledWhilePublishing_EveryAcknowledgedEventArrives()
    {
        var topic = "kill-sidecar-" + _run;
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var sidecar = Own(
            await SidecarProcess.StartAsync(Yaml.RedisPubSub() + Yaml.Retries(-1), "crash" + _run, app.Port)
        );
        var publishing = Eventually.Watch(PublishUntilAsync(sidecar, topic, 400));
        for (var i = 0; i < 2; i++)
        {
            await app.UntilAsync(50 * (i + 1));
            await sidecar.KillAsync();
            await sidecar.StartAsync();
        }
        await ArriveAsync(app, await publishing);
    }

    [Test]
    public async Task PublishEvent_RedisKilledWhilePublishing_EveryAcknowledgedEventArrives()
    {
        var topic = "kill-redis-" + _run;
        var redis = Own(await RedisProcess.StartAsync());
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var pubSub = Yaml.Component(
            "pubsub",
            "pubsub.redis",
            "v1",
            Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}")
        );
        var sidecar = Own(
            await TestSidecar.StartAsync(pubSub + Yaml.Retries(-1), TestSidecar.App("crash", app.Port))
        );
        var publishing = Eventually.Watch(PublishUntilAsync(sidecar.Client("crash"), topic, 400));
        await app.UntilAsync(50);
        await redis.KillAsync();
        await redis.StartAgainAsync();
        await ArriveAsync(app, await publishing);
    }

    [Test]
    [Description("X-14")]
    public async Task ExecuteStateTransaction_SidecarKilled_EventsAreThoseOfCommittedTransactions()
    {
        var topic = "kill-outbox-" + _run;
        var database = Own(await SidecarDatabase.CreateAsync());
        var app = Own(await TopicApp.StartAsync(TopicApp.To(topic)));
        var outbox = Yaml.Item("outboxPublishPubsub", "pubsub") + Yaml.Item("outboxPublishTopic", topic);
        var components =
            Yaml.PostgresState(database.Address, metadata: outbox) + Yaml.RedisPubSub() + Yaml.Retries(-1);
        var sidecar = Own(await SidecarProcess.StartAsync(components, "outbox" + _run, app.Port));
        var writing = Eventually.Watch(WriteUntilAsync(sidecar, 200));
        await app.UntilAsync(30);
        await sidecar.KillAsync();
        await sidecar.StartAsync();
        var acknowledged = await writing;

        await Eventually.ThatAsync(
            async () => await database.CountAsync("state where key like 'outbox-%'") == 0,
            "markers to go"
        );
        var committed = await database.CountAsync("state where key not like 'outbox-%'");
        var published = app.Events.Select(item => item.Data.ToStringUtf8()).Distinct().ToArray();
        Assert.That(published, Is.SupersetOf(acknowledged));
        // Also those that committed although the kill kept their writer from knowing, and no others.
        Assert.That(published, Has.Length.EqualTo(committed));
    }

    [Test]
    public async Task SaveState_RedisKilledAndBack_KeepsWhatItAcknowledged()
    {
        var redis = Own(await RedisProcess.StartAsync());
        var state = Yaml.Component(
            "store",
            "state.redis",
            "v1",
            Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}")
        );
        var sidecar = Own(await TestSidecar.StartAsync(state, TestSidecar.App("crash")));
        var request = new SaveStateRequest { StoreName = "store" };
        request.States.Add(new StateItem { Key = "k", Value = ByteString.CopyFromUtf8("kept") });
        await sidecar.Client("crash").SaveStateAsync(request);
        await redis.KillAsync();
        var get = new GetStateRequest { StoreName = "store", Key = "k" };
        var failure = await DaprFailure.OfAsync(async () => await sidecar.Client("crash").GetStateAsync(get));
        Assert.That((failure.Code, failure.Reason), Is.EqualTo((StatusCode.Internal, "ERR_STATE_GET")));
        await redis.StartAgainAsync();
        await Eventually.ThatAsync(() => ReadsAsync(sidecar, get), "the store to answer again");
    }

    [Test]
    public async Task GetState_PostgresDroppedItsConnections_ReadsAllTheSame()
    {
        var database = Own(await SidecarDatabase.CreateAsync());
        var sidecar = Own(
            await TestSidecar.StartAsync(Yaml.PostgresState(database.Address), TestSidecar.App("crash"))
        );
        var client = sidecar.Client("crash");
        var get = new GetStateRequest { StoreName = "store", Key = "k" };
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => await client.GetStateAsync(get)));
        await database.ScalarAsync(
            """
            select count(pg_terminate_backend(pid)) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()
            """
        );
        for (var i = 0; i < 10; i++)
            Assert.That(await client.GetStateAsync(get), Is.EqualTo(new GetStateResponse()));
    }

    private static async Task<bool> ReadsAsync(TestSidecar sidecar, GetStateRequest get)
    {
        try
        {
            var response = await sidecar.Client("crash").GetStateAsync(get);
            return response.Data.ToStringUtf8() == "kept";
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Internal)
        {
            return false;
        }
    }

    private static Task<IReadOnlyCollection<string>> PublishUntilAsync(
        SidecarProcess sidecar,
        string topic,
        int count
    ) => PublishUntilAsync(sidecar.Client, topic, count);

    // Publishes until so many are acknowledged; returns these.
    private static Task<IReadOnlyCollection<string>> PublishUntilAsync(
        Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient client,
        string topic,
        int count
    ) =>
        EachUntilAsync(
            count,
            async (text, deadline) =>
                await client.PublishEventAsync(PublishRequest.Of(topic, text), deadline: deadline)
        );

    private static Task<IReadOnlyCollection<string>> WriteUntilAsync(SidecarProcess sidecar, int count) =>
        EachUntilAsync(
            count,
            async (text, deadline) =>
            {
                var item = new StateItem { Key = text, Value = ByteString.CopyFromUtf8(text) };
                var request = new ExecuteStateTransactionRequest { StoreName = "store" };
                request.Operations.Add(
                    new TransactionalStateOperation { OperationType = "upsert", Request = item }
                );
                await sidecar.Client.ExecuteStateTransactionAsync(request, deadline: deadline);
            }
        );

    // Goes on until so many are acknowledged, however long the other side is away in between.
    private static async Task<IReadOnlyCollection<string>> EachUntilAsync(
        int count,
        Func<string, DateTime, Task> step
    )
    {
        await Task.Yield();
        var acknowledged = new ConcurrentQueue<string>();
        var tried = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OneAfterTheOtherAsync()));
        return acknowledged;

        async Task OneAfterTheOtherAsync()
        {
            while (acknowledged.Count < count)
            {
                var text = $"e{Interlocked.Increment(ref tried)}";
                try
                {
                    await step(text, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(10));
                    acknowledged.Enqueue(text);
                }
                catch (RpcException)
                {
                    // Nobody promised anything for this one.
                    await Task.Delay(20);
                }
            }
        }
    }

    private static Task ArriveAsync(TopicApp app, IReadOnlyCollection<string> acknowledged) =>
        Eventually.ThatAsync(
            () =>
            {
                var arrived = app.Events.Select(item => item.Data.ToStringUtf8()).ToHashSet();
                return Task.FromResult(arrived.IsSupersetOf(acknowledged));
            },
            $"all of {acknowledged.Count} acknowledged events"
        );
}
