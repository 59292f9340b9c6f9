using Dapr.DurableTask.Protobuf;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>What a workflow can do, over the wire, with a worker that speaks the protocol by hand.</summary>
[Parallelizable(ParallelScope.Children)]
internal sealed class RunTests() : WorkflowFixture(takesGiven: true)
{
    private ProtocolWorker _worker = null!;

    [OneTimeSetUp]
    public async Task Connect() =>
        _worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                w.Activities["append"] = Activity(input => input + "+");
                w.Activities["fail"] = Activity(_ => throw new InvalidOperationException("no stock"));
                w.Activities["square"] = Activity(input => $"{int.Parse(input) * int.Parse(input)}");
                w.Workflows["chain"] = Chain("append", 5);
                w.Workflows["failing"] = Chain("fail", 1);
                w.Workflows["fan"] = Fan;
                w.Workflows["timer"] = OneTimer;
                w.Workflows["event"] = r => r.Raised("paid") is [var paid, ..] ? [Replay.Done(paid)] : [];
                w.Workflows["parent"] = Parent;
                w.Workflows["child"] = r => [Replay.Done($"child of {r.Input}")];
                w.Workflows["failing-child"] = _ => [Replay.Fail("child says no")];
                w.Workflows["again"] = Again;
                w.Workflows["sender"] = r => [Replay.Send(0, r.Input, "paid", "7"), Replay.Done("sent")];
                w.Workflows["parent-of-event"] = ParentOfEvent;
            }
        );

    [OneTimeTearDown]
    public async Task Disconnect() => await _worker.DisposeAsync();

    [Test]
    public async Task StartInstance_FiveActivities_RunInOrder()
    {
        var id = NewId();
        await StartAsync("chain", id, "x");
        var state = await FinishedAsync(id);
        Assert.That(state.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Completed));
        Assert.That(state.Output, Is.EqualTo("x+++++"));
        Assert.That(state.Input, Is.EqualTo("x"));
        Assert.That(state.Name, Is.EqualTo("chain"));
        Assert.That(_worker.ActivitiesOf(id).Select(a => a.TaskId), Is.EqualTo([0, 1, 2, 3, 4]));
    }

    [Test]
    public async Task GetWorkItems_Turn_CarriesHistoryInOrder()
    {
        var id = NewId();
        await StartAsync("chain", id, "x");
        await FinishedAsync(id);
        var turns = _worker.Turns(id).ToList();
        Assert.That(turns, Has.Count.EqualTo(6));
        Assert.That(turns[0].PastEvents, Is.Empty);
        Assert.That(
            turns[0].NewEvents.Select(e => e.EventTypeCase),
            Is.EqualTo([
                HistoryEvent.EventTypeOneofCase.WorkflowStarted,
                HistoryEvent.EventTypeOneofCase.ExecutionStarted,
            ])
        );
        Assert.That(
            turns[1].PastEvents.Select(e => e.EventTypeCase),
            Is.EqualTo([
                HistoryEvent.EventTypeOneofCase.WorkflowStarted,
                HistoryEvent.EventTypeOneofCase.ExecutionStarted,
                HistoryEvent.EventTypeOneofCase.TaskScheduled,
            ])
        );
        Assert.That(turns[1].NewEvents[1].TaskCompleted.TaskScheduledId, Is.EqualTo(0));
        Assert.That(turns[1].NewEvents[1].EventId, Is.EqualTo(-1));
        var history = await Client.GetInstanceHistoryAsync(new() { InstanceId = id });
        Assert.That(history.Events[^1].ExecutionCompleted.Result, Is.EqualTo("x+++++"));
        Assert.That(history.Events.Take(turns[5].PastEvents.Count), Is.EqualTo(turns[5].PastEvents));
    }

    [Test]
    public async Task StartInstance_WithATrace_ActivitiesContinueIt()
    {
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var id = NewId();
        await Client.StartInstanceAsync(
            new()
            {
                InstanceId = id,
                Name = "chain",
                Input = "x",
            },
            new Grpc.Core.Metadata { { "traceparent", trace } },
            deadline: Soon
        );
        await FinishedAsync(id);
        Assert.That(
            _worker.ActivitiesOf(id).Select(a => a.ParentTraceContext.TraceParent),
            Is.All.EqualTo(trace).And.Exactly(5).Items
        );
    }

    [Test]
    public async Task CompleteActivityTask_Failure_ReachesTheWorkflow()
    {
        var id = NewId();
        await StartAsync("failing", id);
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("failed: no stock"));
    }

    [Test]
    public async Task StartInstance_FanOutOfSixty_AllResultsArrive()
    {
        var id = NewId();
        await StartAsync("fan", id, "60");
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("73810"));
    }

    [Test]
    public async Task CreateTimer_InTheFuture_FiresAtItsTime()
    {
        var id = NewId();
        await StartAsync("timer", id, "300");
        Assert.That(double.Parse((await FinishedAsync(id)).Output), Is.GreaterThanOrEqualTo(300));
    }

    [Test]
    public async Task RaiseEvent_WhileWaiting_ContinuesTheWorkflow()
    {
        var id = NewId();
        await StartAsync("event", id);
        await UntilStatusAsync(id, OrchestrationStatus.Running);
        await Client.RaiseEventAsync(
            new()
            {
                InstanceId = id,
                Name = "PAID",
                Input = "10",
            }
        );
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("10"));
        // To an instance that ended: accepted and ignored.
        await Client.RaiseEventAsync(new() { InstanceId = id, Name = "paid" });
    }

    [Test]
    public async Task SendEvent_FromAnotherWorkflow_Arrives()
    {
        var (receiver, sender) = (NewId(), NewId());
        await StartAsync("event", receiver);
        await StartAsync("sender", sender, receiver);
        Assert.That((await FinishedAsync(receiver)).Output, Is.EqualTo("7"));
        Assert.That((await FinishedAsync(sender)).Output, Is.EqualTo("sent"));
    }

    [Test]
    public async Task CreateChildWorkflow_NoId_GetsParentsIdAndReturnsItsResult()
    {
        var id = NewId();
        await StartAsync("parent", id, "child");
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo($"child of {id}"));
        var child = await StateAsync($"{id}:0000");
        Assert.That(child!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Completed));
        Assert.That(child.ParentInstanceId, Is.EqualTo(id));
    }

    [Test]
    public async Task CreateChildWorkflow_ChildFails_ParentIsTold()
    {
        var id = NewId();
        await StartAsync("parent", id, "failing-child");
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("caught child says no"));
    }

    [Test]
    public async Task CreateChildWorkflow_IdIsActive_FailsTheChild()
    {
        var (busy, id) = (NewId(), NewId());
        await StartAsync("event", busy);
        await StartAsync("parent-of-event", id, busy);
        Assert.That((await FinishedAsync(id)).Output, Does.Contain("already exists"));
        Assert.That((await StateAsync(busy))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Running));
    }

    [Test]
    public async Task TerminateInstance_OfAChild_FailsItsParentsCall()
    {
        var id = NewId();
        await StartAsync("parent-of-event", id, $"{id}-kid");
        await UntilStatusAsync($"{id}-kid", OrchestrationStatus.Running);
        await Client.TerminateInstanceAsync(new() { InstanceId = $"{id}-kid" });
        Assert.That((await FinishedAsync(id)).Output, Does.Contain("TERMINATED"));
    }

    [Test]
    public async Task TerminateInstance_Recursive_EndsChildren()
    {
        var id = NewId();
        await StartAsync("parent-of-event", id, $"{id}-kid");
        await UntilStatusAsync($"{id}-kid", OrchestrationStatus.Running);
        await Client.TerminateInstanceAsync(
            new()
            {
                InstanceId = id,
                Recursive = true,
                Output = "bye",
            }
        );
        var state = await FinishedAsync(id);
        Assert.That(state.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Terminated));
        Assert.That(state.Output, Is.EqualTo("bye"));
        Assert.That(
            (await FinishedAsync($"{id}-kid")).WorkflowStatus,
            Is.EqualTo(OrchestrationStatus.Terminated)
        );
    }

    [Test]
    public async Task CompleteOrchestratorTask_ContinueAsNew_StartsWithNewInputAndCarriedEvents()
    {
        var id = NewId();
        await StartAsync("again", id, "0");
        await UntilStatusAsync(id, OrchestrationStatus.Running);
        foreach (var n in new[] { "1", "2", "3", "4" })
        {
            await Client.RaiseEventAsync(
                new()
                {
                    InstanceId = id,
                    Name = "tick",
                    Input = n,
                }
            );
        }
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("01234"));
        Assert.That(
            _worker.Turns(id).Select(t => t.ExecutionId).Distinct().Count(),
            Is.GreaterThan(1),
            "each run has an id of its own"
        );
    }

    private static IEnumerable<WorkflowAction> Fan(Replay replay)
    {
        var count = int.Parse(replay.Input);
        if (replay.IsFirst)
        {
            return Enumerable.Range(0, count).Select(i => Replay.Task(i, "square", $"{i + 1}"));
        }
        var results = Enumerable.Range(0, count).Select(replay.ResultOf).ToList();
        return results.Contains(null) ? [] : [Replay.Done($"{results.Sum(r => int.Parse(r!))}")];
    }

    private static IEnumerable<WorkflowAction> OneTimer(Replay replay)
    {
        var started = replay.Events[0].Timestamp.ToDateTimeOffset();
        if (replay.IsFirst)
        {
            return [Replay.Timer(0, started.AddMilliseconds(double.Parse(replay.Input)))];
        }
        return replay.IsFired(0) ? [Replay.Done($"{(replay.Now - started).TotalMilliseconds}")] : [];
    }

    private static IEnumerable<WorkflowAction> Parent(Replay replay)
    {
        if (replay.IsFirst)
        {
            return [Replay.Child(0, replay.Input, replay.Request.InstanceId)];
        }
        return replay.ChildResultOf(0) is { } result
            ? [Replay.Done(result)]
            : [Replay.Done($"caught {replay.ChildFailureOf(0)!.ErrorMessage}")];
    }

    private static IEnumerable<WorkflowAction> ParentOfEvent(Replay replay)
    {
        if (replay.IsFirst)
        {
            return [Replay.Child(0, "event", instanceId: replay.Input)];
        }
        return replay.ChildFailureOf(0) is { } failure ? [Replay.Done(failure.ErrorMessage)] : [];
    }

    private static IEnumerable<WorkflowAction> Again(Replay replay)
    {
        if (replay.Input.Length == 5)
        {
            return [Replay.Done(replay.Input)];
        }
        var ticks = replay.Events.Where(e => e.EventRaised is not null).ToList();
        return ticks.Count == 0
            ? []
            : [Replay.Again(replay.Input + ticks[0].EventRaised.Input, ticks.Skip(1))];
    }
}
