using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>Running an ended workflow again from one of its decisions, and deleting many at once.</summary>
[Parallelizable(ParallelScope.Children)]
internal sealed class RerunTests() : WorkflowFixture(takesGiven: true)
{
    private ProtocolWorker _worker = null!;

    [OneTimeSetUp]
    public async Task Connect() =>
        _worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                w.Activities["append"] = Activity(input => input + "+");
                w.Activities["flaky"] = Activity(input =>
                    input == "ready" ? "done" : throw new InvalidOperationException("not ready")
                );
                w.Workflows["chain"] = Chain("append", 3);
                w.Workflows["flaky"] = r =>
                    r.IsFirst ? [Replay.Task(0, "flaky", r.Input)]
                    : r.FailureOf(0) is { } failure ? [Replay.Fail(failure.ErrorMessage)]
                    : [Replay.Done(r.ResultOf(0))];
                w.Workflows["pair"] = r =>
                    r.IsFirst ? [Replay.Task(0, "append", "a"), Replay.Task(1, "append", "b")]
                    : r.IsDone(0) && r.IsDone(1) ? [Replay.Done(r.ResultOf(0) + r.ResultOf(1))]
                    : [];
                w.Workflows["nap"] = r =>
                    r.IsFirst ? [Replay.Timer(0, r.Now.AddMilliseconds(20))]
                    : r.IsFired(0) ? [Replay.Done("awake")]
                    : [];
                w.Workflows["event"] = r => r.Raised("paid") is [var paid, ..] ? [Replay.Done(paid)] : [];
                w.Workflows["parent"] = r =>
                    r.IsFirst ? [Replay.Child(0, "chain", r.Input)]
                    : r.ChildResultOf(0) is { } result ? [Replay.Done(result)]
                    : [];
            }
        );

    [OneTimeTearDown]
    public async Task Disconnect() => await _worker.DisposeAsync();

    [TestCase(0, 3)]
    [TestCase(2, 1)]
    public async Task RerunWorkflowFromEvent_OfAChain_RepeatsWhatFollowsOnly(int from, int repeated)
    {
        var id = await EndedAsync("chain", "x");
        var copy = await RerunAsync(new() { SourceInstanceID = id, EventID = (uint)from });
        Assert.That((await FinishedAsync(copy)).Output, Is.EqualTo("x+++"));
        Assert.That(_worker.ActivitiesOf(copy).Count(), Is.EqualTo(repeated));
        Assert.That((await StateAsync(id))!.Output, Is.EqualTo("x+++"), "the source stays");
    }

    [Test]
    public async Task RerunWorkflowFromEvent_InputOverwritten_UsesTheNewOne()
    {
        var id = NewId();
        await StartAsync("flaky", id, "early");
        Assert.That((await FinishedAsync(id)).WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
        var copy = await RerunAsync(
            new()
            {
                SourceInstanceID = id,
                EventID = 0,
                NewInstanceID = $"{id}-again",
                OverwriteInput = true,
                Input = "ready",
            }
        );
        Assert.That(copy, Is.EqualTo($"{id}-again"));
        Assert.That((await FinishedAsync(copy)).Output, Is.EqualTo("done"));
    }

    [Test]
    public async Task RerunWorkflowFromEvent_OneOfTwoSideBySide_RepeatsBoth()
    {
        var copy = await RerunAsync(new() { SourceInstanceID = await EndedAsync("pair", null), EventID = 1 });
        Assert.That((await FinishedAsync(copy)).Output, Is.EqualTo("a+b+"));
        Assert.That(_worker.ActivitiesOf(copy).Count(), Is.EqualTo(2));
    }

    [Test]
    public async Task RerunWorkflowFromEvent_Timer_FiresAgain()
    {
        var copy = await RerunAsync(new() { SourceInstanceID = await EndedAsync("nap", null) });
        Assert.That((await FinishedAsync(copy)).Output, Is.EqualTo("awake"));
    }

    [TestCase(null)]
    [TestCase("given")]
    public async Task RerunWorkflowFromEvent_Child_RunsAgainUnderAnIdOfItsOwn(string? suffix)
    {
        var id = await EndedAsync("parent", "x");
        var request = new RerunWorkflowFromEventRequest { SourceInstanceID = id, EventID = 0 };
        if (suffix is not null)
        {
            request.NewChildWorkflowInstanceID = $"{id}-{suffix}";
        }
        var copy = await RerunAsync(request);
        Assert.That((await FinishedAsync(copy)).Output, Is.EqualTo("x+++"));
        var child = await StateAsync(suffix is null ? $"{copy}:0000" : $"{id}-{suffix}");
        Assert.That(child!.ParentInstanceId, Is.EqualTo(copy));
        await Client.PurgeInstancesAsync(new() { InstanceId = copy, Recursive = true });
        Assert.That(await StateAsync($"{id}:0000"), Is.Not.Null, "the source keeps its child");
    }

    [Test]
    public async Task RerunWorkflowFromEvent_NotPossible_FailsWithTheReason()
    {
        var (chain, nap, running) = (await EndedAsync("chain", "x"), await EndedAsync("nap", null), NewId());
        await StartAsync("event", running);
        var parent = await EndedAsync("parent", "x");
        async Task<StatusCode> CodeOf(RerunWorkflowFromEventRequest request) =>
            (await StatusOf(() => RerunAsync(request))).StatusCode;
        Assert.That(await CodeOf(new() { SourceInstanceID = NewId() }), Is.EqualTo(StatusCode.NotFound));
        Assert.That(
            await CodeOf(new() { SourceInstanceID = chain, EventID = 77 }),
            Is.EqualTo(StatusCode.NotFound)
        );
        Assert.That(
            await CodeOf(new() { SourceInstanceID = running }),
            Is.EqualTo(StatusCode.InvalidArgument)
        );
        Assert.That(
            await CodeOf(new() { SourceInstanceID = $"{parent}:0000" }),
            Is.EqualTo(StatusCode.InvalidArgument)
        );
        Assert.That(
            await CodeOf(new() { SourceInstanceID = nap, OverwriteInput = true }),
            Is.EqualTo(StatusCode.InvalidArgument)
        );
        Assert.That(
            await CodeOf(new() { SourceInstanceID = chain, NewChildWorkflowInstanceID = "kid" }),
            Is.EqualTo(StatusCode.InvalidArgument)
        );
        Assert.That(
            await CodeOf(new() { SourceInstanceID = chain, NewInstanceID = chain }),
            Is.EqualTo(StatusCode.InvalidArgument)
        );
        Assert.That(
            await CodeOf(new() { SourceInstanceID = chain, NewInstanceID = nap }),
            Is.EqualTo(StatusCode.AlreadyExists)
        );
    }

    [Test, NonParallelizable]
    public async Task PurgeInstances_ByFilter_TakesTheEndedOnesOfThatTimeAndStatus()
    {
        var before = await EndedAsync("chain", "x");
        var from = Timestamp.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        var (done, failed, running) = (await EndedAsync("parent", "x"), NewId(), NewId());
        await StartAsync("flaky", failed, "early");
        await FinishedAsync(failed);
        await StartAsync("event", running);
        await UntilStatusAsync(running, OrchestrationStatus.Running);

        var earlier = new PurgeInstanceFilter { CreatedTimeFrom = from, CreatedTimeTo = from };
        var none = await Client.PurgeInstancesAsync(new() { PurgeInstanceFilter = earlier });
        Assert.That(none.DeletedInstanceCount, Is.Zero);

        var onlyFailed = new PurgeInstanceFilter
        {
            CreatedTimeFrom = from,
            RuntimeStatus = { OrchestrationStatus.Failed, OrchestrationStatus.Running },
        };
        var purged = await Client.PurgeInstancesAsync(new() { PurgeInstanceFilter = onlyFailed });
        Assert.That((purged.DeletedInstanceCount, purged.IsComplete), Is.EqualTo((1, (bool?)true)));
        Assert.That(await StateAsync(failed), Is.Null);
        Assert.That(await StateAsync(running), Is.Not.Null, "what runs is not deleted");

        var all = new PurgeInstanceFilter { CreatedTimeFrom = from };
        var rest = await Client.PurgeInstancesAsync(new() { PurgeInstanceFilter = all, Recursive = true });
        Assert.That(rest.DeletedInstanceCount, Is.EqualTo(2), "the parent and its child");
        Assert.That(await StateAsync(done), Is.Null);
        Assert.That(await StateAsync(before), Is.Not.Null);
    }

    private async Task<string> RerunAsync(RerunWorkflowFromEventRequest request) =>
        (await Client.RerunWorkflowFromEventAsync(request, deadline: Soon)).NewInstanceID;

    private async Task<string> EndedAsync(string name, string? input)
    {
        var id = NewId();
        await StartAsync(name, id, input);
        await FinishedAsync(id);
        return id;
    }
}
