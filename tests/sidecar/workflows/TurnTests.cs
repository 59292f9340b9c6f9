using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Souk.Tests.Harness;
using Case = Dapr.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>What one answer of a worker does, each given by hand: its traces in the history, and what
/// follows.</summary>
internal sealed class TurnTests() : WorkflowFixture(takesGiven: true)
{
    private static readonly Timestamp Never = new() { Seconds = 253_402_300_799, Nanos = 999_999_999 };

    private ProtocolWorker _worker = null!;

    [OneTimeSetUp]
    public async Task Connect() => _worker = await ProtocolWorker.ConnectAsync(Runtime, _ => { });

    [OneTimeTearDown]
    public async Task Disconnect() => await _worker.DisposeAsync();

    [Test]
    public async Task CompleteWorkflowTask_EveryAction_BecomesItsEventUnderItsId()
    {
        var id = await StartedAsync();
        var retry = Replay.Timer(7, DateTimeOffset.UnixEpoch);
        retry.CreateTimer.Name = "again";
        retry.CreateTimer.ActivityRetry = new() { TaskExecutionId = "task-1" };
        var wait = Replay.Timer(8, DateTimeOffset.UnixEpoch);
        wait.CreateTimer.FireAt = Never;
        wait.CreateTimer.ExternalEvent = new() { Name = "paid" };
        await AnswerAsync(
            await TurnAsync(id),
            Replay.Task(5, "pack", "box"),
            retry,
            wait,
            Replay.Child(26, "parcel", "small"),
            Replay.Send(9, "nobody", "hello", "1")
        );
        var turn = (await TurnAsync(id, 1)).WorkflowRequest;
        var decided = turn.PastEvents.Skip(2).ToList();
        Assert.That(
            decided.Select(e => (e.EventId, e.EventTypeCase)),
            Is.EqualTo([
                (5, Case.TaskScheduled),
                (7, Case.TimerCreated),
                (8, Case.TimerCreated),
                (26, Case.ChildWorkflowInstanceCreated),
                (9, Case.EventSent),
            ])
        );
        Assert.That(
            (decided[0].TaskScheduled.Name, decided[0].TaskScheduled.Input),
            Is.EqualTo(("pack", "box"))
        );
        Assert.That(decided[1].TimerCreated.Name, Is.EqualTo("again"));
        Assert.That(decided[1].TimerCreated.ActivityRetry.TaskExecutionId, Is.EqualTo("task-1"));
        Assert.That(decided[2].TimerCreated.ExternalEvent.Name, Is.EqualTo("paid"));
        Assert.That(decided[2].TimerCreated.FireAt, Is.EqualTo(Never));
        Assert.That(decided[3].ChildWorkflowInstanceCreated.InstanceId, Is.EqualTo($"{id}:001a"));
        var sent = decided[4].EventSent;
        Assert.That((sent.InstanceId, sent.Name, sent.Input), Is.EqualTo(("nobody", "hello", "1")));
    }

    [Test]
    public async Task CreateTimer_DueAndNever_FiresOnlyTheFirst()
    {
        var id = await StartedAsync();
        var due = Replay.Timer(3, DateTimeOffset.UnixEpoch);
        var never = Replay.Timer(4, DateTimeOffset.UnixEpoch);
        never.CreateTimer.FireAt = Never;
        await AnswerAsync(await TurnAsync(id), never, due);
        var second = await TurnAsync(id, 1);
        var fired = second.WorkflowRequest.NewEvents.Last();
        Assert.That(
            (fired.EventId, fired.TimerFired.TimerId, fired.TimerFired.FireAt),
            Is.EqualTo((-1, 3, due.CreateTimer.FireAt))
        );
        await AnswerAsync(second);
        await RaiseAsync(id, "paid");
        var third = (await TurnAsync(id, 2)).WorkflowRequest;
        Assert.That(
            third.NewEvents.Select(e => e.EventTypeCase),
            Is.EqualTo([Case.WorkflowStarted, Case.EventRaised])
        );
    }

    [Test]
    public async Task GetWorkItems_EventsDuringATurn_WaitForItsAnswerInTheirOrder()
    {
        var (id, other) = (await StartedAsync(), NewId());
        var first = await TurnAsync(id);
        foreach (var name in new[] { "one", "two", "three" })
        {
            await RaiseAsync(id, name);
        }
        await StartAsync("by hand", other);
        await TurnAsync(other);
        Assert.That(_worker.Turns(id).Count(), Is.EqualTo(1), "turns of one instance do not overlap");
        await AnswerAsync(first);
        var second = (await TurnAsync(id, 1)).WorkflowRequest;
        Assert.That(
            second.NewEvents.Skip(1).Select(e => e.EventRaised.Name),
            Is.EqualTo(["one", "two", "three"])
        );
        Assert.That(second.ExecutionId, Is.EqualTo(first.WorkflowRequest.ExecutionId));
    }

    [Test]
    public async Task CompleteWorkflowTask_SameTurnTwice_CommitsOnce()
    {
        var id = await StartedAsync();
        var first = await TurnAsync(id);
        await AnswerAsync(first, Replay.Task(0, "pack"));
        await RaiseAsync(id, "paid");
        await TurnAsync(id, 1);
        await AnswerAsync(first, Replay.Done("twice"));
        var history = await Client.GetInstanceHistoryAsync(new() { InstanceId = id }, deadline: Soon);
        Assert.That(
            history.Events.Select(e => e.EventTypeCase),
            Is.EqualTo([Case.WorkflowStarted, Case.ExecutionStarted, Case.TaskScheduled])
        );
    }

    [Test]
    public async Task CompleteWorkflowTask_TwoCompletions_FirstCounts()
    {
        var id = await StartedAsync();
        await AnswerAsync(await TurnAsync(id), Replay.Done("first"), Replay.Fail("second"));
        await AssertEndAsync(id, OrchestrationStatus.Completed, "first");
    }

    [Test]
    public async Task CompleteWorkflowTask_TerminatedWithoutAResult_TakesTheTerminatesOutput()
    {
        var id = await StartedAsync();
        await AnswerAsync(await TurnAsync(id));
        var ending = Client.TerminateInstanceAsync(new() { InstanceId = id, Output = "bye" }, deadline: Soon);
        var done = Replay.Done(null);
        done.CompleteWorkflow.WorkflowStatus = OrchestrationStatus.Terminated;
        await AnswerAsync(await TurnAsync(id, 1), done);
        await ending;
        Assert.That((await StateAsync(id))!.Output, Is.EqualTo("bye"));
    }

    [Test]
    public async Task CompleteWorkflowTask_Canceled_IsAnEnd()
    {
        var id = await StartedAsync();
        var done = Replay.Done(null);
        done.CompleteWorkflow.WorkflowStatus = OrchestrationStatus.Canceled;
        await AnswerAsync(await TurnAsync(id), done);
        Assert.That((await FinishedAsync(id)).WorkflowStatus, Is.EqualTo(OrchestrationStatus.Canceled));
    }

    [Test]
    public async Task TerminateWorkflow_OfAnother_EndsItWithTheReason()
    {
        var (id, other) = (await StartedAsync(), await StartedAsync());
        await AnswerAsync(await TurnAsync(other));
        var terminate = new TerminateWorkflowAction { InstanceId = other, Reason = "sold out" };
        await AnswerAsync(
            await TurnAsync(id),
            new WorkflowAction { Id = 0, TerminateWorkflow = terminate },
            Replay.Done(null)
        );
        await FinishedAsync(id);
        var told = await TurnAsync(other, 1);
        Assert.That(told.WorkflowRequest.NewEvents.Last().ExecutionTerminated.Input, Is.EqualTo("sold out"));
        await AnswerAsync(told);
        await AssertEndAsync(other, OrchestrationStatus.Terminated, "sold out");
    }

    [Test]
    public async Task CustomStatus_NotGiven_StaysAndEndsWithTheRun()
    {
        var id = await StartedAsync();
        await AnswerAsync(await TurnAsync(id), "packing");
        await RaiseAsync(id, "paid");
        var second = await TurnAsync(id, 1);
        Assert.That((await StateAsync(id))!.CustomStatus, Is.EqualTo("packing"));
        await AnswerAsync(second);
        await RaiseAsync(id, "paid");
        var third = await TurnAsync(id, 2);
        Assert.That((await StateAsync(id))!.CustomStatus, Is.EqualTo("packing"), "null leaves it as it was");
        var unasked = await Client.GetInstanceAsync(new() { InstanceId = id });
        Assert.That(unasked.WorkflowState.CustomStatus, Is.Null);
        await AnswerAsync(third, Replay.Again("next"));
        await AnswerAsync(await TurnAsync(id, 3), Replay.Done(null));
        Assert.That((await FinishedAsync(id)).CustomStatus, Is.Null);
    }

    [Test]
    public async Task ContinueAsNew_OldRunsWorkAnswersLate_IsDropped()
    {
        var id = await StartedAsync("one");
        var timer = Replay.Timer(1, DateTimeOffset.UnixEpoch);
        await AnswerAsync(await TurnAsync(id), Replay.Task(0, "pack", "old"));
        var old = await ActivityAsync(id);
        await RaiseAsync(id, "paid");
        var kept = HistoryEventOf("kept");
        var end = Client.WaitForInstanceCompletionAsync(
            new() { InstanceId = id, GetInputsAndOutputs = true },
            deadline: Soon
        );
        // The timer is decided by a turn that ends its run.
        await AnswerAsync(await TurnAsync(id, 1), timer, Replay.Again("two", [kept]));
        var anew = await TurnAsync(id, 2);
        Assert.That(anew.WorkflowRequest.PastEvents, Is.Empty);
        Assert.That(
            anew.WorkflowRequest.NewEvents.Select(e => e.EventTypeCase),
            Is.EqualTo([Case.WorkflowStarted, Case.ExecutionStarted, Case.EventRaised])
        );
        var started = anew.WorkflowRequest.NewEvents[1].ExecutionStarted;
        Assert.That((started.Name, started.Input), Is.EqualTo(("by hand", "two")));
        Assert.That(started.WorkflowInstance.ExecutionId, Is.EqualTo(anew.WorkflowRequest.ExecutionId));
        Assert.That(
            anew.WorkflowRequest.ExecutionId,
            Is.Not.EqualTo(old.ActivityRequest.WorkflowInstance.ExecutionId)
        );
        await AnswerAsync(anew, Replay.Task(0, "pack", "new"));
        var current = await ActivityAsync(id, 1);
        await AnswerActivityAsync(old, "late");
        await AnswerActivityAsync(current, "in time");
        var last = await TurnAsync(id, 3);
        // Result is the event's field: what the activity answered. Nothing is waited for here.
        Assert.That(
            last.WorkflowRequest.NewEvents.Skip(1).Select(e => e.TaskCompleted?.Result),
            Is.EqualTo(["in time"])
        );
        await AnswerAsync(last, Replay.Done("end"));
        Assert.That((await end).WorkflowState.Output, Is.EqualTo("end"), "CONTINUED_AS_NEW is no end");
    }

    [Test]
    public async Task ContinueAsNew_OldRunsTimerIsStillToCome_NeverFires()
    {
        var id = await StartedAsync("one");
        var now = TimeProvider.System.GetUtcNow();
        await AnswerAsync(
            await TurnAsync(id),
            Replay.Timer(1, now + TimeSpan.FromMilliseconds(300)),
            Replay.Again("two")
        );
        // Due in this order, so that the old one would have come by the time of the new.
        await AnswerAsync(await TurnAsync(id, 1), Replay.Timer(2, now + TimeSpan.FromMilliseconds(400)));
        var fired = (await TurnAsync(id, 2)).WorkflowRequest.NewEvents.Skip(1);
        Assert.That(fired.Select(e => e.TimerFired?.TimerId), Is.EqualTo([2]));
    }

    [Test]
    public async Task ContinueAsNew_OfAChild_AnswersItsParentAtItsEnd()
    {
        var id = await StartedAsync();
        await AnswerAsync(await TurnAsync(id), Replay.Child(2, "kid", "a", $"{id}-kid"));
        var first = await TurnAsync($"{id}-kid");
        await AnswerAsync(first, Replay.Again("b"));
        var second = await TurnAsync($"{id}-kid", 1);
        var parents = new[] { first, second }.Select(t =>
            t.WorkflowRequest.NewEvents[1].ExecutionStarted.ParentInstance
        );
        foreach (var parent in parents)
        {
            Assert.That(
                (parent.TaskScheduledId, parent.Name, parent.WorkflowInstance.InstanceId, parent.AppID),
                Is.EqualTo((2, "by hand", id, Runtime.AppId))
            );
        }
        await AnswerAsync(second, Replay.Done("grown"));
        var told = (await TurnAsync(id, 1)).WorkflowRequest.NewEvents.Last();
        Assert.That(told.EventId, Is.EqualTo(-1));
        Assert.That(
            told.ChildWorkflowInstanceCompleted,
            Is.EqualTo(new ChildWorkflowInstanceCompletedEvent { TaskScheduledId = 2, Result = "grown" })
        );
    }

    [Test]
    public async Task CompleteActivityTask_Failure_TravelsWholeAndTheRetryKeepsItsTask()
    {
        var id = await StartedAsync();
        var schedule = Replay.Task(0, "pack", "box");
        schedule.ScheduleTask.TaskExecutionId = "task-1";
        var turn = await TurnAsync(id);
        await AnswerAsync(turn, schedule);
        var item = await ActivityAsync(id);
        var request = item.ActivityRequest;
        Assert.That(
            (request.Name, request.Input, request.TaskId, request.TaskExecutionId),
            Is.EqualTo(("pack", "box", 0, "task-1"))
        );
        Assert.That(request.WorkflowInstance.ExecutionId, Is.EqualTo(turn.WorkflowRequest.ExecutionId));
        var failure = new TaskFailureDetails
        {
            ErrorType = "NoTape",
            ErrorMessage = "the tape is used up",
            StackTrace = "at the desk",
            IsNonRetriable = true,
            InnerFailure = new() { ErrorType = "NoOrder", ErrorMessage = "nobody ordered any" },
        };
        await Client.CompleteActivityTaskAsync(
            new()
            {
                InstanceId = id,
                TaskId = 0,
                FailureDetails = failure,
                CompletionToken = item.CompletionToken,
            }
        );
        var second = await TurnAsync(id, 1);
        var failed = second.WorkflowRequest.NewEvents.Last();
        Assert.That((failed.EventId, failed.TaskFailed.TaskScheduledId), Is.EqualTo((-1, 0)));
        Assert.That(failed.TaskFailed.TaskExecutionId, Is.EqualTo("task-1"));
        Assert.That(failed.TaskFailed.FailureDetails, Is.EqualTo(failure));
        schedule.Id = 1;
        await AnswerAsync(second, schedule);
        var again = (await ActivityAsync(id, 1)).ActivityRequest;
        Assert.That((again.TaskId, again.TaskExecutionId), Is.EqualTo((1, "task-1")));
    }

    [Test]
    public async Task Version_OfAnAnswer_IsInTheHistoryOfTheNextTurn()
    {
        var id = await StartedAsync();
        var version = new WorkflowVersion { Name = "v2", Patches = { "gift-wrap" } };
        var first = await TurnAsync(id);
        await Client.CompleteWorkflowTaskAsync(
            new()
            {
                InstanceId = id,
                CompletionToken = first.CompletionToken,
                Version = version,
            }
        );
        await RaiseAsync(id, "paid");
        var second = (await TurnAsync(id, 1)).WorkflowRequest;
        Assert.That(second.PastEvents[0].WorkflowStarted.Version, Is.EqualTo(version));
        Assert.That(second.NewEvents[0].WorkflowStarted.Version, Is.Null);
    }

    [Test]
    public async Task VersionNotAvailable_FirstTurn_StallsUntilAWorkerHasIt()
    {
        var id = await StartedAsync();
        await AnswerAsync(await TurnAsync(id), new WorkflowAction { WorkflowVersionNotAvailable = new() });
        await UntilStatusAsync(id, OrchestrationStatus.Stalled);
        var named = await Runtime.Management.GetAsync("shop", id, default);
        Assert.That(named!.RuntimeStatus, Is.EqualTo("STALLED"));
        await Disconnect();
        _worker = await ProtocolWorker.ConnectAsync(Runtime, _ => { });
        await AnswerAsync(await TurnAsync(id), Replay.Done("known"));
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("known"));
    }

    [Test]
    public async Task GetInstance_Failed_ShowsTheFailureOnlyWhenAsked()
    {
        var id = await StartedAsync();
        await AnswerAsync(await TurnAsync(id), Replay.Fail("no stock"));
        var state = await FinishedAsync(id);
        Assert.That(state.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
        Assert.That(state.FailureDetails.ErrorMessage, Is.EqualTo("no stock"));
        var unasked = await Client.GetInstanceAsync(new() { InstanceId = id });
        Assert.That(unasked.WorkflowState.FailureDetails, Is.Null);
    }

    private async Task<string> StartedAsync(string? input = null)
    {
        var id = NewId();
        await StartAsync("by hand", id, input);
        return id;
    }

    private async Task RaiseAsync(string id, string name) =>
        await Client.RaiseEventAsync(new() { InstanceId = id, Name = name }, deadline: Soon);

    /// <summary>The instance's turn of that number, once the worker has it.</summary>
    private Task<WorkItem> TurnAsync(string id, int number = 0) =>
        ItemAsync(i => i.WorkflowRequest?.InstanceId == id, number, $"turn {number} of {id}");

    private Task<WorkItem> ActivityAsync(string id, int number = 0) =>
        ItemAsync(
            i => i.ActivityRequest?.WorkflowInstance.InstanceId == id,
            number,
            $"activity {number} of {id}"
        );

    private async Task<WorkItem> ItemAsync(Func<WorkItem, bool> which, int number, string what)
    {
        await Eventually.ThatAsync(() => _worker.Items.Count(which) > number, what);
        return _worker.Items.Where(which).ElementAt(number);
    }

    private Task AnswerAsync(WorkItem turn, params WorkflowAction[] actions) =>
        AnswerAsync(turn, null, actions);

    private async Task AnswerAsync(WorkItem turn, string? customStatus, params WorkflowAction[] actions) =>
        await Client.CompleteWorkflowTaskAsync(
            new()
            {
                InstanceId = turn.WorkflowRequest.InstanceId,
                CompletionToken = turn.CompletionToken,
                CustomStatus = customStatus,
                Actions = { actions },
            },
            deadline: Soon
        );

    private async Task AnswerActivityAsync(WorkItem activity, string result) =>
        await Client.CompleteActivityTaskAsync(
            new()
            {
                InstanceId = activity.ActivityRequest.WorkflowInstance.InstanceId,
                TaskId = activity.ActivityRequest.TaskId,
                Result = result,
                CompletionToken = activity.CompletionToken,
            },
            deadline: Soon
        );

    private async Task AssertEndAsync(string id, OrchestrationStatus status, string output)
    {
        var state = await FinishedAsync(id);
        Assert.That((state.WorkflowStatus, state.Output), Is.EqualTo((status, output)));
    }

    private static HistoryEvent HistoryEventOf(string raised) =>
        new()
        {
            EventId = -1,
            EventRaised = new() { Name = raised },
        };
}
