using System.Collections.Concurrent;
using Grpc.Core;
using Souk.Tests.Harness;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>
/// What was acknowledged to a publisher reaches streams and HTTP apps, whoever is killed on the way.
/// </summary>
internal sealed class DeliveryCrashTests : SidecarFixture
{
    private const int Count = 300;

    [Test]
    [Description("X-14")]
    public async Task SubscribeTopicEventsAlpha1_SidecarKilled_EveryAcknowledgedEventArrives()
    {
        var topic = Topic();
        var sidecar = Own(
            await SidecarProcess.StartAsync(Yaml.RedisPubSub() + Yaml.Retries(-1), "crash" + topic)
        );
        var received = new ConcurrentDictionary<string, byte>();
        using var done = new CancellationTokenSource();
        var reading = Eventually.Watch(ReadForEverAsync(() => sidecar.Client, topic, received, done.Token));
        var publishing = Eventually.Watch(PublishAsync(() => sidecar.Client, topic));
        for (var i = 1; i <= 2; i++)
        {
            await Eventually.ThatAsync(() => received.Count >= 50 * i, "the first events");
            await sidecar.KillAsync();
            await sidecar.StartAsync();
        }
        await ArriveAsync(received, await publishing);
        await done.CancelAsync();
        await reading;
    }

    [Test]
    [Description("X-14")]
    public async Task SubscribeTopicEventsAlpha1_RedisKilled_TheStreamLivesAndEveryEventArrives()
    {
        var topic = Topic();
        var redis = Own(await RedisProcess.StartAsync());
        var pubSub = Yaml.Component(
            "pubsub",
            "pubsub.redis",
            "v1",
            Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}")
        );
        var sidecar = Own(await TestSidecar.StartAsync(pubSub + Yaml.Retries(-1), TestSidecar.App("crash")));
        var stream = Own(await TopicStream.OpenAsync(sidecar.Client("crash"), TopicStream.To(topic)));
        _ = Eventually.Watch(stream.Reading);
        var publishing = Eventually.Watch(PublishAsync(() => sidecar.Client("crash"), topic));
        await stream.UntilAsync(50);
        await redis.KillAsync();
        await redis.StartAgainAsync();
        var acknowledged = await publishing;
        await Eventually.ThatAsync(
            () =>
                stream.Events.Select(item => item.Data.ToStringUtf8()).ToHashSet().IsSupersetOf(acknowledged),
            $"all of {acknowledged.Count} acknowledged events"
        );
        Assert.That(stream.Reading.IsCompleted, Is.False);
    }

    [TestCase("/events", "")]
    [TestCase("/bulk", ""","bulkSubscribe":{"enabled":true,"maxMessagesCount":20,"maxAwaitDurationMs":50}""")]
    [Description("X-14")]
    public async Task Deliver_SidecarAndHttpAppKilled_EveryAcknowledgedEventArrives(string path, string bulk)
    {
        var topic = Topic();
        var app = Own(
            await HttpTopicApp.StartAsync(
                $$$"""[{"pubsubname":"pubsub","topic":"{{{topic}}}","route":"{{{path}}}"{{{bulk}}}}]"""
            )
        );
        app.Answer = call => (200, path == "/bulk" ? call.AllTaken() : "");
        var sidecar = Own(
            await SidecarProcess.StartAsync(
                Yaml.RedisPubSub() + Yaml.Retries(-1),
                "crash" + topic,
                app.Port,
                "http"
            )
        );
        var publishing = Eventually.Watch(PublishAsync(() => sidecar.Client, topic));
        await Eventually.ThatAsync(() => Received(app).Count >= 30, "the first events");
        await app.DownAsync();
        await app.UpAsync();
        await Eventually.ThatAsync(() => Received(app).Count >= 80, "events for the app that is back");
        await sidecar.KillAsync();
        await sidecar.StartAsync();
        var acknowledged = await publishing;
        await Eventually.ThatAsync(
            () => Received(app).IsSupersetOf(acknowledged),
            $"all of {acknowledged.Count} acknowledged events"
        );
    }

    private static HashSet<string> Received(HttpTopicApp app) =>
        [
            .. app
                .Deliveries.SelectMany(call =>
                    call.Path == "/bulk"
                        ? call["entries"].EnumerateArray().Select(entry => entry.GetProperty("event"))
                        : [call.Body]
                )
                .Select(item => item.GetProperty("data").GetString()!),
        ];

    // As an app does: a stream that ends is opened again.
    private static async Task ReadForEverAsync(
        Func<DaprApi.DaprClient> client,
        string topic,
        ConcurrentDictionary<string, byte> received,
        CancellationToken cancellation
    )
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await using var stream = await TopicStream.OpenAsync(
                    client(),
                    TopicStream.To(topic),
                    item =>
                    {
                        received[item.Data.ToStringUtf8()] = 0;
                        return Verdict.Success;
                    }
                );
                await stream.Reading.WaitAsync(cancellation);
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException)
            {
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    // Goes on until so many are acknowledged, however long the other side is away in between; returns these.
    // Nobody promised anything for the rest.
    private static async Task<IReadOnlyCollection<string>> PublishAsync(
        Func<DaprApi.DaprClient> client,
        string topic
    )
    {
        var acknowledged = new ConcurrentQueue<string>();
        for (var i = 0; acknowledged.Count < Count; i++)
        {
            var request = PublishRequest.Of(topic, $"e{i}");
            try
            {
                var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(10);
                await client().PublishEventAsync(request, deadline: deadline);
                acknowledged.Enqueue($"e{i}");
            }
            catch (RpcException)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
        return acknowledged;
    }

    private static Task ArriveAsync(
        ConcurrentDictionary<string, byte> received,
        IReadOnlyCollection<string> acknowledged
    ) =>
        Eventually.ThatAsync(
            () => acknowledged.All(received.ContainsKey),
            $"all of {acknowledged.Count} acknowledged events"
        );
}
