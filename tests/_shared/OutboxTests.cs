using Dapr.AppCallback.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Probe.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Shared;

[Description("X-14")]
internal sealed class OutboxTests
{
    private readonly TestCaller _caller = TestCaller.Buyer();
    private TestMesh _mesh = null!;
    private TestService _probe = null!;

    [SetUp]
    public async Task Start()
    {
        _mesh = new TestMesh();
        _probe = await _mesh.AddAsync("probe", ProbeService.Configure);
    }

    [TearDown]
    public async Task Stop()
    {
        if (_mesh is not null)
            await _mesh.DisposeAsync();
    }

    [Test]
    public async Task Publish_Committed_ArrivesOnceInOrder()
    {
        await CountAsync("a", "b", "a");
        await _mesh.DeliverEventsAsync();
        Assert.That(
            _mesh.Bus.On<Counted>("counted"),
            Is.EqualTo(new Counted[] { Of("a", 1), Of("b", 1), Of("a", 2) })
        );
        Assert.That(await ValueOf("heard a"), Is.EqualTo(2));
        Assert.That(await OutboxRows(), Is.Zero);
    }

    [Test]
    public async Task Publish_DiesBetweenPublishAndDelete_ArrivesAgainAndCountsOnce()
    {
        await CountAsync("a");
        using var died = new CancellationTokenSource();
        var dying = new OutboxPublisher(
            _probe.Db,
            _probe.Get<Outbox>(),
            new DyingBus(_mesh.Bus, died),
            _mesh.Clock,
            _probe.Get<Microsoft.Extensions.Logging.ILogger<OutboxPublisher>>()
        );
        Assert.That(
            async () => await dying.PublishBatchAsync(died.Token),
            Throws.InstanceOf<OperationCanceledException>()
        );
        Assert.That(await OutboxRows(), Is.EqualTo(1));

        await _mesh.DeliverEventsAsync();
        Assert.That(_mesh.Bus.Published, Has.Count.EqualTo(2));
        Assert.That(_mesh.Bus.Published.Select(e => e.Id).Distinct().Count(), Is.EqualTo(1));
        Assert.That(await ValueOf("heard a"), Is.EqualTo(1));
    }

    [Test]
    public async Task Publish_BrokerDown_KeepsTheEventAndTriesAfterAPause()
    {
        await CountAsync("a");
        _mesh.Bus.IsDown = true;
        Assert.That(await Publisher.PublishBatchAsync(CancellationToken.None), Is.Zero);
        _mesh.Bus.IsDown = false;
        Assert.That(await Publisher.PublishBatchAsync(CancellationToken.None), Is.Zero, "the topic rests");
        _mesh.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That(await Publisher.PublishBatchAsync(CancellationToken.None), Is.EqualTo(1));
    }

    [Test]
    public async Task Publish_TwoReplicas_NoEventTwice()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => CountAsync("a")));
        var second = new OutboxPublisher(
            _probe.Db,
            _probe.Get<Outbox>(),
            _mesh.Bus,
            _mesh.Clock,
            _probe.Get<Microsoft.Extensions.Logging.ILogger<OutboxPublisher>>()
        );
        await Task.WhenAll(
            Publisher.PublishBatchAsync(CancellationToken.None),
            second.PublishBatchAsync(CancellationToken.None)
        );
        await _mesh.DeliverEventsAsync();
        Assert.That(_mesh.Bus.Published, Has.Count.EqualTo(40));
        Assert.That(await ValueOf("heard a"), Is.EqualTo(40));
    }

    [Test]
    public async Task Publish_InBackground_WakesAtTheCommit()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        await Publisher.StartAsync(stop.Token);
        await CountAsync("a");
        await Eventually.ThatAsync(async () => await OutboxRows() == 0);
        await Publisher.StopAsync(stop.Token);
        Assert.That(_mesh.Bus.Published, Has.Count.EqualTo(1));
    }

    [Test, Description("X-13")]
    public async Task OnTopicEvent_HandlerFailsOnce_IsRetriedAndCountsOnce()
    {
        await CountAsync("a");
        _probe.Get<ProbeFaults>().Next(1);
        await _mesh.DeliverEventsAsync();
        Assert.That(await ValueOf("heard a"), Is.EqualTo(1));
        Assert.That(_mesh.Bus.DeadLetters, Is.Empty);
    }

    [Test]
    public async Task OnTopicEvent_Unreadable_IsDropped()
    {
        foreach (var data in new[] { "{", "[]", """{"value": "many"}""" })
        {
            var poison = new OutboxEvent(
                Guid.CreateVersion7(),
                "counted",
                "souk.probe.v1.Counted",
                data,
                null
            );
            Assert.That(await _mesh.Bus.DeliverAsync("probe", poison), Is.EqualTo(Verdict.Drop), data);
        }
    }

    [Test]
    public async Task OnTopicEvent_UnknownFieldOrType_IsTolerated()
    {
        const string data = """{"counter": "later", "value": "1", "added_in_v1_1": true}""";
        var newer = new OutboxEvent(Guid.CreateVersion7(), "counted", "souk.probe.v1.Counted", data, null);
        var other = newer with { Id = Guid.CreateVersion7(), Type = "souk.probe.v1.Uncounted" };
        Assert.That(await _mesh.Bus.DeliverAsync("probe", newer), Is.EqualTo(Verdict.Success));
        Assert.That(await _mesh.Bus.DeliverAsync("probe", other), Is.EqualTo(Verdict.Success));
        Assert.That(await ValueOf("heard later"), Is.EqualTo(1));
    }

    [Test]
    public async Task OnTopicEvent_AppTokenSet_OnlyTheOwnSidecarMayDeliver()
    {
        await _mesh.AddAsync(
            "guarded",
            ProbeService.Configure,
            change: settings => settings with { AppApiToken = "sidecar's own" }
        );
        var client = new AppCallback.AppCallbackClient(_mesh.Routes.To("guarded"));
        var failure = await Failure.OfAsync(() => client.OnTopicEventAsync(new TopicEventRequest()));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_INVALID")));
        var headers = new Metadata { { "dapr-api-token", "sidecar's own" } };
        Assert.That(
            (await client.OnTopicEventAsync(new TopicEventRequest(), headers)).Status,
            Is.EqualTo(Verdict.Success)
        );
    }

    private OutboxPublisher Publisher => _probe.Get<OutboxPublisher>();

    private static Counted Of(string counter, long value) => new() { Counter = counter, Value = value };

    private async Task CountAsync(params string[] counters)
    {
        var client = _mesh.Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("probe", _caller);
        foreach (var counter in counters)
        {
            await client.CountAsync(
                new CountRequest
                {
                    RequestId = Guid.CreateVersion7().ToString(),
                    Counter = counter,
                    By = 1,
                }
            );
        }
    }

    private Task<long> ValueOf(string counter) =>
        _probe.Db.ScalarAsync<long>(
            "select value from counter where name = $1",
            [counter],
            CancellationToken.None
        );

    private Task<long> OutboxRows() =>
        _probe.Db.ScalarAsync<long>("select count(*) from outbox", [], CancellationToken.None);

    /// <summary>Publishes, and then its process dies.</summary>
    private sealed class DyingBus(IEventBus inner, CancellationTokenSource death) : IEventBus
    {
        public async Task PublishAsync(
            string topic,
            IReadOnlyList<OutboxEvent> events,
            CancellationToken token
        )
        {
            await inner.PublishAsync(topic, events, CancellationToken.None);
            await death.CancelAsync();
        }
    }
}
