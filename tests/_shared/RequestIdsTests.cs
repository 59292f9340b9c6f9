using Grpc.Core;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

[Description("X-09")]
internal sealed class RequestIdsTests : ProbeFixture
{
    private readonly TestCaller _caller = TestCaller.Buyer();

    [Test]
    public async Task Count_SameIdInFiftyParallelCalls_RunsOnceAndAllGetItsAnswer()
    {
        var request = Count("parallel");
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(async _ => await As(_caller).CountAsync(request))
        );
        Assert.That(replies.Select(reply => reply.Value), Is.All.EqualTo(1));
        Assert.That(await ValueOf("parallel"), Is.EqualTo(1));
        Assert.That(await EventsOf("parallel"), Is.EqualTo(1));
    }

    [Test]
    public async Task Count_SameIdAtTwoReplicas_RunsOnceAndAllGetItsAnswer()
    {
        await using var mesh = new TestMesh();
        var probe = await mesh.AddAsync("probe", ProbeService.Configure);
        await mesh.AddReplicaAsync(probe, ProbeService.Configure);
        for (var round = 0; round < 10; round++)
        {
            var request = Count($"replicas {round}");
            var replies = await Task.WhenAll(
                Enumerable
                    .Range(0, 20)
                    .Select(async i =>
                    {
                        var appId = i % 2 == 0 ? "probe" : "probe-2";
                        var client = mesh.Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>(
                            appId,
                            _caller
                        );
                        return await client.CountAsync(request);
                    })
            );
            Assert.That(replies.Select(reply => reply.Value), Is.All.EqualTo(1));
        }
    }

    [Test]
    public async Task Count_RepeatedLater_GivesTheFirstAnswer()
    {
        var request = Count("repeated");
        await As(_caller).CountAsync(request);
        await As(_caller).CountAsync(Count("repeated", 10));
        Assert.That((await As(_caller).CountAsync(request)).Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Count_SameIdOtherBody_FailsWithIdempotencyMismatch()
    {
        var request = Count("mismatch");
        await As(_caller).CountAsync(request);
        request.By = 2;
        var failure = await Failure.OfAsync(() => As(_caller).CountAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH")));
        Assert.That(await ValueOf("mismatch"), Is.EqualTo(1));
    }

    [Test]
    public async Task Count_SameIdOtherPreference_GivesTheFirstAnswer()
    {
        var request = Count("prefer");
        await As(_caller).CountAsync(request);
        request.WaitSeconds = 10;
        Assert.That((await As(_caller).CountAsync(request)).Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Count_SameIdOtherCaller_RunsAgain()
    {
        var request = Count("callers");
        await As(_caller).CountAsync(request);
        Assert.That((await As(TestCaller.Buyer()).CountAsync(request)).Value, Is.EqualTo(2));
    }

    [TestCase("", "IDEMPOTENCY_KEY_REQUIRED")]
    [TestCase("not a uuid", "INVALID_FIELD")]
    public async Task Count_BadRequestId_IsInvalid(string requestId, string reason)
    {
        var request = Count("bad");
        request.RequestId = requestId;
        var failure = await Failure.OfAsync(() => As(_caller).CountAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, reason)));
    }

    [Test, Description("PSP-03")]
    public async Task Count_FinalError_UndoesTheWorkAndIsReplayed()
    {
        var request = Count("final");
        request.FailWith = "precondition";
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var failure = await Failure.OfAsync(() => As(_caller).CountAsync(request));
            Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "TOO_MANY")));
        }
        Assert.That(await ValueOf("final"), Is.Zero);
        Assert.That(await EventsOf("final"), Is.Zero);
        Assert.That(await LogRows(request.RequestId), Is.EqualTo(1));
    }

    [Test]
    public async Task Count_PassingError_LeavesNoTrace()
    {
        var request = Count("passing");
        request.FailWith = "unavailable";
        var failure = await Failure.OfAsync(() => As(_caller).CountAsync(request));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Unavailable));
        Assert.That(await LogRows(request.RequestId), Is.Zero);
    }

    [Test]
    public async Task Cleanup_After72Hours_ForgetsTheId()
    {
        await using var mesh = new TestMesh();
        var probe = await mesh.AddAsync("probe", ProbeService.Configure);
        var client = mesh.Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("probe", _caller);
        await client.CountAsync(Count("old"));
        mesh.Clock.Advance(TimeSpan.FromHours(71));
        await client.CountAsync(Count("young"));
        mesh.Clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));
        await probe.RunJobAsync<CleanupJob>();
        const string sql = "select count(*) from request_log";
        Assert.That(await probe.Db.ScalarAsync<long>(sql, [], CancellationToken.None), Is.EqualTo(1));
    }

    private Task<long> EventsOf(string counter) =>
        Probe.Db.ScalarAsync<long>(
            "select count(*) from outbox where data::jsonb ->> 'counter' = $1",
            [counter],
            CancellationToken.None
        );

    private Task<long> LogRows(string requestId) =>
        Probe.Db.ScalarAsync<long>(
            "select count(*) from request_log where request_id = $1",
            [Guid.Parse(requestId)],
            CancellationToken.None
        );
}
