using System.Threading.Channels;
using Dapr.DurableTask.Protobuf;
using Grpc.Core;
using Souk.Sidecar.Api;
using Souk.Sidecar.Workflows;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>Ids, states and the management calls, with and without a worker.</summary>
[Parallelizable(ParallelScope.Children)]
internal sealed class ManagementTests() : WorkflowFixture(takesGiven: true)
{
    private ProtocolWorker _worker = null!;

    [OneTimeSetUp]
    public async Task Connect() =>
        _worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                w.Activities["echo"] = Activity(input => input);
                w.Workflows["echo"] = Chain("echo", 1);
                w.Workflows["event"] = r => r.Raised("paid") is [var paid, ..] ? [Replay.Done(paid)] : [];
                w.Workflows["parent"] = r =>
                    r.IsFirst ? [Replay.Child(0, "echo", "1", r.Input)]
                    : r.ChildResultOf(0) is { } result ? [Replay.Done(result)]
                    : [];
                w.Workflows["parent of event"] = r =>
                    r.IsFirst ? [Replay.Child(0, "event", null, r.Input)] : [];
                // A worker that does not stop when it is suspended.
                w.Workflows["restless"] = r =>
                    r.Input == "again" ? Waiting(r)
                    : r.Events.Exists(e => e.ExecutionSuspended is not null) ? [Replay.Again("again")]
                    : [];
                // Suspended, a worker only records events.
                w.Workflows["patient"] = r =>
                    r.Events.FindLastIndex(e => e.ExecutionSuspended is not null)
                    > r.Events.FindLastIndex(e => e.ExecutionResumed is not null)
                        ? []
                        : Waiting(r);
            }
        );

    [OneTimeTearDown]
    public async Task Disconnect() => await _worker.DisposeAsync();

    [Test]
    public async Task StartInstance_NoId_MakesOneUp()
    {
        var started = await Client.StartInstanceAsync(new() { Name = "echo" });
        Assert.That(started.InstanceId, Is.Not.Empty);
        Assert.That(
            (await FinishedAsync(started.InstanceId)).WorkflowStatus,
            Is.EqualTo(OrchestrationStatus.Completed)
        );
    }

    [Test]
    public async Task StartInstance_IdIsActive_FailsWithAlreadyExists()
    {
        var id = NewId();
        await StartAsync("event", id);
        var status = await StatusOf(() => StartAsync("event", id));
        Assert.That(status.StatusCode, Is.EqualTo(StatusCode.AlreadyExists));
        Assert.That(status.Detail, Does.Contain($"an active workflow with ID '{id}' already exists"));
    }

    [Test]
    public async Task StartInstance_FiftyAtOnce_OneWins()
    {
        var id = NewId();
        var all = await Task.WhenAll(
            Enumerable.Range(0, 50).Select(_ => StatusOf(() => StartAsync("event", id)))
        );
        Assert.That(all.Count(s => s.StatusCode == StatusCode.OK), Is.EqualTo(1));
        Assert.That(all.Count(s => s.StatusCode == StatusCode.AlreadyExists), Is.EqualTo(49));
    }

    [Test]
    public async Task StartInstance_IdIsTerminal_StartsAfresh()
    {
        var id = NewId();
        await StartAsync("echo", id, "one");
        await FinishedAsync(id);
        await StartAsync("echo", id, "two");
        await Eventually.ThatAsync(
            async () => (await StateAsync(id))?.Output == "two",
            "the second run to end"
        );
        var history = await Client.GetInstanceHistoryAsync(new() { InstanceId = id });
        Assert.That(history.Events.Count(e => e.ExecutionStarted is not null), Is.EqualTo(1));
    }

    [Test]
    public async Task StartInstance_UniqueIdsEnforced_RefusesATerminalId()
    {
        var id = NewId();
        await StartAsync("echo", id, "one");
        await FinishedAsync(id);
        var request = new CreateInstanceRequest
        {
            InstanceId = id,
            Name = "echo",
            EnforceUniqueInstanceId = true,
        };
        var status = await StatusOf(() => Client.StartInstanceAsync(request).ResponseAsync);
        Assert.That(status.StatusCode, Is.EqualTo(StatusCode.AlreadyExists));
    }

    [TestCase("a||b")]
    [TestCase("nul\0")]
    public async Task StartInstance_IdNotAllowed_FailsWithInvalidArgument(string id) =>
        Assert.That(
            (await StatusOf(() => StartAsync("echo", id))).StatusCode,
            Is.EqualTo(StatusCode.InvalidArgument)
        );

    [Test]
    public async Task StartInstance_ScheduledLater_IsPendingUntilThen()
    {
        var (soon, late) = (NewId(), NewId());
        var at = TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(300);
        await StartAtAsync(soon, at);
        await StartAtAsync(late, at.AddHours(1));
        await FinishedAsync(soon);
        Assert.That(
            _worker.Turns(soon).First().NewEvents[0].Timestamp.ToDateTime(),
            Is.GreaterThanOrEqualTo(at)
        );
        Assert.That((await StateAsync(late))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Pending));

        async Task StartAtAsync(string id, DateTime time) =>
            await Client.StartInstanceAsync(
                new()
                {
                    InstanceId = id,
                    Name = "echo",
                    ScheduledStartTimestamp = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(time),
                }
            );
    }

    [Test]
    public async Task StartInstance_Tags_AreInTheStateAndTheHistory()
    {
        var id = NewId();
        var request = new CreateInstanceRequest { InstanceId = id, Name = "event" };
        request.Tags["channel"] = "web";
        request.ScheduledStartTimestamp = new();
        await Client.StartInstanceAsync(request, deadline: Soon);
        Assert.That((await StateAsync(id))!.Tags, Is.EqualTo(request.Tags));
        await Eventually.ThatAsync(() => _worker.Turns(id).Any(), "its turn");
        Assert.That(new Replay(_worker.Turns(id).First()).Started.Tags, Is.EqualTo(request.Tags));
    }

    [Test]
    public async Task GetInstance_Unknown_AnswersThatItDoesNotExist() =>
        Assert.That(await StateAsync(NewId()), Is.Null);

    [Test]
    public async Task GetInstance_PayloadsNotAsked_LeavesThemOut()
    {
        var id = NewId();
        await StartAsync("echo", id, "one");
        await FinishedAsync(id);
        var state = (await Client.GetInstanceAsync(new() { InstanceId = id })).WorkflowState;
        Assert.That((state.Input, state.Output), Is.EqualTo(((string?)null, (string?)null)));
    }

    [Test]
    public async Task WaitForInstanceStart_BeforeItExists_WaitsForIt()
    {
        var id = NewId();
        var wait = Client.WaitForInstanceStartAsync(new() { InstanceId = id }, deadline: Soon).ResponseAsync;
        await StartAsync("event", id);
        Assert.That((await wait).WorkflowState.WorkflowStatus, Is.Not.EqualTo(OrchestrationStatus.Pending));
    }

    [Test]
    public async Task RaiseEvent_Unknown_FailsWithUnknown()
    {
        var status = await StatusOf(() =>
            Client.RaiseEventAsync(new() { InstanceId = NewId(), Name = "paid" }).ResponseAsync
        );
        Assert.That(status.StatusCode, Is.EqualTo(StatusCode.Unknown));
        Assert.That(status.Detail, Does.Contain("no such instance exists"));
    }

    [Test]
    public async Task RaiseEvent_Ended_IsTakenAndChangesNothing()
    {
        var id = NewId();
        await StartAsync("echo", id, "1");
        var ended = await FinishedAsync(id);
        await Client.RaiseEventAsync(new() { InstanceId = id, Name = "paid" });
        await Client.SuspendInstanceAsync(new() { InstanceId = id }, deadline: Soon);
        await Client.ResumeInstanceAsync(new() { InstanceId = id }, deadline: Soon);
        Assert.That(await StateAsync(id), Is.EqualTo(ended));
    }

    [Test]
    public async Task SuspendInstance_EventArrives_IsKeptUntilResumed()
    {
        var id = NewId();
        await StartAsync("patient", id);
        await Client.SuspendInstanceAsync(new() { InstanceId = id, Reason = "stocktaking" });
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Suspended));
        await Client.RaiseEventAsync(
            new()
            {
                InstanceId = id,
                Name = "paid",
                Input = "9",
            }
        );
        await Eventually.ThatAsync(
            () => _worker.Turns(id).Any(t => t.NewEvents.Any(e => e.EventRaised is not null)),
            "a turn"
        );
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Suspended));
        await Client.ResumeInstanceAsync(new() { InstanceId = id });
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("9"));
    }

    [Test]
    public async Task SuspendInstance_ContinuedAsNewMeanwhile_StaysSuspended()
    {
        var id = NewId();
        await StartAsync("restless", id);
        await Client.SuspendInstanceAsync(new() { InstanceId = id });
        await Eventually.ThatAsync(
            async () => (await StateAsync(id))!.Input == "again",
            "it to continue as new"
        );
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Suspended));
        await Client.ResumeInstanceAsync(new() { InstanceId = id });
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Running));
        await Client.RaiseEventAsync(
            new()
            {
                InstanceId = id,
                Name = "paid",
                Input = "9",
            }
        );
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("9"));
    }

    [Test]
    public async Task TerminateInstance_WorkerIgnoresIt_IsEnforced()
    {
        var id = NewId();
        await StartAsync("event", id);
        await Client.TerminateInstanceAsync(new() { InstanceId = id, Output = "\"enough\"" }, deadline: Soon);
        var state = await StateAsync(id);
        Assert.That(state!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Terminated));
        Assert.That(state.Output, Is.EqualTo("\"enough\""));
        // Already terminal: fine.
        await Client.TerminateInstanceAsync(new() { InstanceId = id });
    }

    [Test]
    public async Task TerminateInstance_Suspended_EndsIt()
    {
        var id = NewId();
        await StartAsync("patient", id);
        await Client.SuspendInstanceAsync(new() { InstanceId = id }, deadline: Soon);
        await Client.TerminateInstanceAsync(new() { InstanceId = id }, deadline: Soon);
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Terminated));
    }

    [Test]
    public async Task TerminateInstance_NotRecursive_LeavesTheChildrenAndTheirParentsIdTaken()
    {
        var (id, kid) = (NewId(), NewId());
        await StartAsync("parent of event", id, kid);
        await UntilStatusAsync(kid, OrchestrationStatus.Running);
        await Client.TerminateInstanceAsync(new() { InstanceId = id }, deadline: Soon);
        Assert.That((await StateAsync(kid))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Running));
        var refused = await StatusOf(() => StartAsync("echo", id, "1"));
        Assert.That(refused.StatusCode, Is.EqualTo(StatusCode.AlreadyExists));
        await Client.RaiseEventAsync(new() { InstanceId = kid, Name = "paid" });
        await FinishedAsync(kid);
        await StartAsync("echo", id, "1");
        await Eventually.ThatAsync(
            async () => (await StateAsync(id))?.Output == "1",
            "the second run to end"
        );
    }

    [Test]
    public async Task TerminateSuspendResume_Unknown_FailWithUnknown()
    {
        var id = NewId();
        Func<Task>[] calls =
        [
            () => Client.TerminateInstanceAsync(new() { InstanceId = id }).ResponseAsync,
            () => Client.SuspendInstanceAsync(new() { InstanceId = id }).ResponseAsync,
            () => Client.ResumeInstanceAsync(new() { InstanceId = id }).ResponseAsync,
        ];
        foreach (var call in calls)
        {
            var status = await StatusOf(call);
            Assert.That(status.StatusCode, Is.EqualTo(StatusCode.Unknown));
            Assert.That(status.Detail, Does.Contain("no such instance exists"));
        }
    }

    [Test]
    public async Task PurgeInstances_Terminal_DisappearsWithItsChildren()
    {
        var id = NewId();
        await StartAsync("parent", id, $"{id}-kid");
        await FinishedAsync(id);
        var purged = await Client.PurgeInstancesAsync(new() { InstanceId = id, Recursive = true });
        Assert.That(purged.DeletedInstanceCount, Is.EqualTo(2));
        Assert.That(await StateAsync(id), Is.Null);
        Assert.That(await StateAsync($"{id}-kid"), Is.Null);
    }

    [Test]
    public async Task PurgeInstances_NotRecursive_LeavesTheChildren()
    {
        var id = NewId();
        await StartAsync("parent", id, $"{id}-kid");
        await FinishedAsync(id);
        var purged = await Client.PurgeInstancesAsync(new() { InstanceId = id });
        Assert.That(purged.DeletedInstanceCount, Is.EqualTo(1));
        Assert.That(await StateAsync(id), Is.Null);
        Assert.That(await StateAsync($"{id}-kid"), Is.Not.Null);
    }

    [Test]
    public async Task PurgeInstances_Unknown_FailsWithUnknown()
    {
        var status = await StatusOf(() =>
            Client.PurgeInstancesAsync(new() { InstanceId = NewId() }).ResponseAsync
        );
        Assert.That(status.StatusCode, Is.EqualTo(StatusCode.Unknown));
        Assert.That(status.Detail, Does.StartWith("failed to purge workflow state"));
    }

    [Test]
    public async Task PurgeInstances_Running_IsRefusedUnlessForced()
    {
        var id = NewId();
        await StartAsync("event", id);
        var status = await StatusOf(() =>
            Client.PurgeInstancesAsync(new() { InstanceId = id }).ResponseAsync
        );
        Assert.That(status.StatusCode, Is.EqualTo(StatusCode.Unknown));
        Assert.That(status.Detail, Does.StartWith("failed to purge workflow state"));
        Assert.That(await StateAsync(id), Is.Not.Null);
        await Client.PurgeInstancesAsync(new() { InstanceId = id, Force = true });
        Assert.That(await StateAsync(id), Is.Null);
    }

    [Test]
    public async Task GetInstanceHistory_Unknown_FailsWithNotFound() =>
        Assert.That(
            (
                await StatusOf(() =>
                    Client.GetInstanceHistoryAsync(new() { InstanceId = NewId() }).ResponseAsync
                )
            ).StatusCode,
            Is.EqualTo(StatusCode.NotFound)
        );

    [Test]
    public async Task ListInstanceIDs_Pages_CoverEveryInstanceOnce()
    {
        var ids = Enumerable.Range(0, 7).Select(_ => $"list-{NewId()}").ToList();
        await Task.WhenAll(ids.Select(id => StartAsync("echo", id)));
        var listed = new List<string>();
        var request = new ListInstanceIDsRequest { PageSize = 3 };
        while (true)
        {
            var page = await Client.ListInstanceIDsAsync(request);
            listed.AddRange(page.InstanceIds);
            if (!page.HasContinuationToken)
            {
                break;
            }
            request.ContinuationToken = page.ContinuationToken;
        }
        Assert.That(listed, Is.Unique);
        Assert.That(listed, Is.SupersetOf(ids));
    }

    [Test]
    public async Task StartWorkflow_IdTooLongOrOdd_FailsAsDaprDoes()
    {
        async Task<string> CodeOf(string id)
        {
            try
            {
                await Runtime.Management.StartAsync("shop", new WorkflowStart("event", id), default);
                return "";
            }
            catch (DaprException fault)
            {
                return $"{fault.StatusCode} {fault.ErrorCode}";
            }
        }
        Assert.That(
            await CodeOf(new string('x', 65)),
            Is.EqualTo("InvalidArgument ERR_INSTANCE_ID_TOO_LONG")
        );
        Assert.That(await CodeOf("no spaces"), Is.EqualTo("InvalidArgument ERR_INSTANCE_ID_INVALID"));
    }

    [Test]
    public async Task StartWorkflow_IdStaysTaken_IsTriedThreeTimesMoreThenFails()
    {
        var (clock, start) = await StartTakenAsync(new WorkflowStart("event", NewId()));
        for (var retry = 0; retry < 3; retry++)
            (await clock.NextAsync(TimeSpan.FromSeconds(1)))();
        var status = await StatusOf(() => start.WaitAsync(Patience));
        Assert.That(status.StatusCode, Is.EqualTo(StatusCode.Internal));
        Assert.That(status.Detail, Does.StartWith("error starting workflow 'event': "));
    }

    [Test]
    public async Task StartWorkflow_IdIsFreedBeforeTheNextAttempt_Starts()
    {
        var id = NewId();
        var (clock, start) = await StartTakenAsync(new WorkflowStart("echo", id) { Input = "2" });
        var endDelay = await clock.NextAsync(TimeSpan.FromSeconds(1));
        await Client.RaiseEventAsync(new() { InstanceId = id, Name = "paid" });
        await FinishedAsync(id);
        endDelay();
        Assert.That(await start.WaitAsync(Patience), Is.EqualTo(id));
        await Eventually.ThatAsync(
            async () => (await StateAsync(id))?.Output == "2",
            "the second run to end"
        );
    }

    [Test]
    public async Task GetWorkflow_Ended_ShowsProperties()
    {
        var id = NewId();
        await Runtime.Management.StartAsync("shop", new WorkflowStart("echo", id) { Input = "{}" }, default);
        await FinishedAsync(id);
        var summary = await Runtime.Management.GetAsync("shop", id, default);
        Assert.That(summary!.RuntimeStatus, Is.EqualTo("COMPLETED"));
        Assert.That(summary.Properties["dapr.workflow.input"], Is.EqualTo("{}"));
        Assert.That(summary.Properties["dapr.workflow.output"], Is.EqualTo("{}"));
        Assert.That(await Runtime.Management.GetAsync("shop", NewId(), default), Is.Null);
    }

    /// <summary>Starts a workflow whose id another one has that runs, on a clock that stands still.</summary>
    private async Task<(HeldClock Clock, Task<string> Start)> StartTakenAsync(WorkflowStart workflow)
    {
        await StartAsync("event", workflow.InstanceId);
        var clock = new HeldClock();
        var management = new WorkflowManagement(Runtime.Engine, clock);
        return (clock, management.StartAsync("shop", workflow, default));
    }

    private static IEnumerable<WorkflowAction> Waiting(Replay replay) =>
        replay.Raised("paid") is [var paid, ..] ? [Replay.Done(paid)] : [];

    /// <summary>A clock that starts no delay by itself: the test ends it.</summary>
    private sealed class HeldClock : TimeProvider
    {
        private readonly Channel<(ITimer, TimeSpan)> _asked = Channel.CreateUnbounded<(ITimer, TimeSpan)>();

        /// <summary>Waits for the next delay that somebody asks for, and ends it when told to.</summary>
        public async Task<Action> NextAsync(TimeSpan expected)
        {
            var (delay, due) = await _asked.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            Assert.That(due, Is.EqualTo(expected));
            return () => delay.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        public override ITimer CreateTimer(
            TimerCallback callback,
            object? state,
            TimeSpan dueTime,
            TimeSpan period
        )
        {
            var held = base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
            _asked.Writer.TryWrite((held, dueTime));
            return held;
        }
    }
}
