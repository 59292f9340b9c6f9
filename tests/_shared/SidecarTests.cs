using System.Diagnostics;
using Dapr.Client;
using Dapr.DistributedLock;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.DependencyInjection;
using Souk.Probe.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Client = Souk.Probe.V1.ProbeService.ProbeServiceClient;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Souk.Tests.Shared;

/// <summary>The way through real sidecars: calls, events, health, state, locks.</summary>
internal sealed class SidecarTests
{
    private readonly TestCaller _buyer = TestCaller.Buyer();
    private TestMesh _mesh = null!;
    private TestService _probe = null!;
    private TestService _other = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _mesh = new TestMesh();
        await _mesh.StartSidecarAsync("probe", "other");
        _other = await _mesh.AddAsync("other", ProbeService.Configure, ThroughSidecar);
        _probe = await _mesh.AddAsync("probe", ProbeService.Configure, ThroughSidecar);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_mesh is not null)
            await _mesh.DisposeAsync();
    }

    [Test]
    public async Task Relay_ThroughSidecars_ActsForTheSameCaller()
    {
        var reply = await _mesh.Client<Client>("probe", _buyer).RelayAsync(new RelayRequest());
        Assert.That(reply.Caller, Is.EqualTo(_buyer.UserId));
    }

    [Test, Description("X-24")]
    public async Task Count_UnderATrace_KeepsItThroughCallsAndEvents()
    {
        using var trace = new Activity("test").Start();
        var client = _mesh.Client<Client>("probe", _buyer);
        var reply = await client.RelayAsync(new RelayRequest());
        Assert.That(reply.TraceId, Is.EqualTo(trace.TraceId.ToHexString()));
        await CountAsync(client, "traced");
        await PublishAsync();
        await Eventually.ThatAsync(async () => await ValueOf(_other, $"trace {trace.TraceId}") == 1);
    }

    [Test]
    public async Task Client_ErrorThroughSidecars_KeepsItsReason()
    {
        var client = _probe.Get<Mesh>().Client<Client>("other");
        var failure = await Failure.OfAsync(() => client.ForAnybodyAsync(new ProbeRequest()));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING")));
    }

    [Test, Description("X-14")]
    public async Task Publish_ThroughSidecars_ReachesTheOtherServiceOnce()
    {
        await CountAsync(_mesh.Client<Client>("probe", _buyer), "far");
        await PublishAsync();
        await Eventually.ThatAsync(async () =>
            await ValueOf(_other, "heard far") == 1 && await ValueOf(_probe, "heard far") == 1
        );
    }

    [Test, Description("X-22")]
    public async Task Check_EverythingUp_IsServing()
    {
        var health = _mesh.Client<Health.HealthClient>("probe");
        await Eventually.ThatAsync(async () =>
        {
            _mesh.Clock.Advance(TimeSpan.FromSeconds(2));
            return (await health.CheckAsync(new HealthCheckRequest())).Status == Serving.Serving;
        });
    }

    [Test]
    public async Task Lock_HeldByAnother_IsNotGiven()
    {
        var locks = _probe.Get<IDaprDistributedLockClient>();
        var resource = Guid.CreateVersion7().ToString();
        await using var held = await locks.TryLockAsync("lockstore", resource, "one", 30);
        Assert.That(held, Is.Not.Null);
        Assert.That(await locks.TryLockAsync("lockstore", resource, "two", 30), Is.Null);
    }

    [Test]
    public async Task Metadata_Asked_NamesTheApp()
    {
        var metadata = await _probe.Get<DaprClient>().GetMetadataAsync();
        Assert.That(metadata.Id, Is.EqualTo("probe"));
        var subscriptions = await _mesh
            .Client<Dapr.AppCallback.Autogen.Grpc.v1.AppCallback.AppCallbackClient>("probe")
            .ListTopicSubscriptionsAsync(new Empty());
        Assert.That(
            subscriptions.Subscriptions.Select(topic => topic.Topic),
            Is.EqualTo(new[] { "counted" })
        );
    }

    private static void ThroughSidecar(IServiceCollection services)
    {
        services.AddSingleton<IMeshRoutes, SidecarRoutes>();
        services.AddSingleton<IEventBus, DaprEventBus>();
    }

    private static async Task CountAsync(Client client, string counter) =>
        await client.CountAsync(
            new CountRequest
            {
                RequestId = Guid.CreateVersion7().ToString(),
                Counter = counter,
                By = 1,
            }
        );

    private async Task PublishAsync()
    {
        while (await _probe.Get<OutboxPublisher>().PublishBatchAsync(CancellationToken.None) > 0) { }
    }

    private static Task<long> ValueOf(TestService service, string counter) =>
        service.Db.ScalarAsync<long>(
            "select value from counter where name = $1",
            [counter],
            CancellationToken.None
        );
}
