using Grpc.Core;
using Souk.Probe.V1;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

internal sealed class MeshTests : ProbeFixture
{
    private TestService _other = null!;

    [OneTimeSetUp]
    public async Task StartOther() => _other = await TheMesh.AddAsync("other", ProbeService.Configure);

    [Test]
    public async Task Relay_Call_ActsForTheSameCaller()
    {
        var caller = TestCaller.Buyer();
        Assert.That((await As(caller).RelayAsync(new RelayRequest())).Caller, Is.EqualTo(caller.UserId));
    }

    [Test]
    public async Task Relay_AsService_ActsForTheProcess()
    {
        var reply = await As(TestCaller.Buyer()).RelayAsync(new RelayRequest { AsService = true });
        Assert.That(reply.Caller, Is.EqualTo("svc_probe"));
    }

    [Test]
    public async Task Client_IdempotentRequest_IsRepeatedWhileUnavailable()
    {
        var client = Probe.Get<Mesh>().Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("other");
        _other.Get<ProbeFaults>().Next(2);
        await client.FailAsync(new FailRequest { How = "flaky", RequestId = "any" });
        _other.Get<ProbeFaults>().Next(3);
        var failure = await Failure.OfAsync(() =>
            client.FailAsync(new FailRequest { How = "flaky", RequestId = "any" })
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Unavailable));
    }

    [Test]
    public async Task Client_OtherRequest_IsNotRepeated()
    {
        var client = Probe.Get<Mesh>().Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("other");
        _other.Get<ProbeFaults>().Next(1);
        var failure = await Failure.OfAsync(() => client.FailAsync(new FailRequest { How = "flaky" }));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Unavailable));
        await client.FailAsync(new FailRequest { How = "flaky" });
    }

    [Test, Description("X-19")]
    public async Task Relay_OtherSilent_OpensTheCircuitUntilAProbeSucceeds()
    {
        await using var mesh = new TestMesh();
        var probe = await mesh.AddAsync("probe", ProbeService.Configure);
        var client = mesh.Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("probe", TestCaller.Buyer());
        for (var i = 0; i < Circuit.FailuresMax; i++)
            Assert.That(await ReasonOfRelay(), Is.EqualTo("DEPENDENCY_UNAVAILABLE"));
        Assert.That(await ReasonOfRelay(), Is.EqualTo("CIRCUIT_OPEN"));

        await mesh.AddAsync("other", ProbeService.Configure);
        Assert.That(await ReasonOfRelay(), Is.EqualTo("CIRCUIT_OPEN"), "it rests");
        mesh.Clock.Advance(Circuit.Rest);
        await client.RelayAsync(new RelayRequest());
        Assert.That(probe.Get<Mesh>().CircuitOf("other"), Is.EqualTo(CircuitState.Closed));

        async Task<string> ReasonOfRelay() =>
            (await Failure.OfAsync(() => client.RelayAsync(new RelayRequest()))).Reason;
    }

    [Test]
    public async Task Relay_OtherTooSlow_FailsWithDeadlinePassed()
    {
        var relay = new RelayRequest { How = "slow query" };
        var failure = await Failure.OfAsync(() => As(TestCaller.Buyer()).RelayAsync(relay));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.DeadlineExceeded, "DEADLINE_PASSED")));
    }

    [Test]
    public async Task Relay_OtherHasABug_ShowsItsTraceIdAndNoDetail()
    {
        var relay = new RelayRequest { How = "bug" };
        var failure = await Failure.OfAsync(() => As(TestCaller.Buyer()).RelayAsync(relay));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Internal, "INTERNAL_FAULT")));
        Assert.That(failure.Metadata["trace_id"], Has.Length.EqualTo(32));
    }

    [Test]
    public async Task Relay_OtherNotRunning_IsUnavailable()
    {
        await using var mesh = new TestMesh();
        await mesh.AddAsync("probe", ProbeService.Configure);
        var client = mesh.Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("probe", TestCaller.Buyer());
        var failure = await Failure.OfAsync(() => client.RelayAsync(new RelayRequest()));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "DEPENDENCY_UNAVAILABLE")));
    }
}
