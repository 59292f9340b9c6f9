using System.Collections.Concurrent;
using Dapr.DurableTask.Protobuf;
using Grpc.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>Workers that die or misbehave, and a database that goes away.</summary>
internal sealed class FaultTests : WorkflowFixture
{
    [Test]
    public async Task GetWorkItems_WorkerDiesMidTurn_TurnIsGivenToTheNext()
    {
        var id = NewId();
        await StartAsync("chain", id, "x");
        WorkItem first;
        await using (var mute = await ProtocolWorker.ConnectAsync(Runtime, _ => { }))
        {
            await Eventually.ThatAsync(() => mute.Turns(id).Any(), "the turn to be given out");
            first = mute.Items.First(i => i.WorkflowRequest?.InstanceId == id);
        }
        await using var worker = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("x+++++"));
        var again = worker.Items.First(i => i.WorkflowRequest?.InstanceId == id);
        Assert.That(again.CompletionToken, Is.Not.EqualTo(first.CompletionToken));
        Assert.That(again.WorkflowRequest.ExecutionId, Is.EqualTo(first.WorkflowRequest.ExecutionId));
        Assert.That(
            again.WorkflowRequest.NewEvents.Skip(1),
            Is.EqualTo(first.WorkflowRequest.NewEvents.Skip(1)),
            "all but the time of the turn"
        );
    }

    [Test]
    public async Task GetWorkItems_WorkerDiesMidActivity_ActivityIsGivenToTheNext()
    {
        var id = NewId();
        await StartAsync("chain", id, "x");
        string token;
        await using (
            var half = await ProtocolWorker.ConnectAsync(
                Runtime,
                w => w.Workflows["chain"] = Chain("append", 5)
            )
        )
        {
            await Eventually.ThatAsync(() => half.ActivitiesOf(id).Any(), "the activity to be given out");
            token = half.Items.First(i => i.ActivityRequest is not null).CompletionToken;
        }
        await using var worker = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("x+++++"));
        var again = worker.Items.First(i => i.ActivityRequest?.WorkflowInstance.InstanceId == id);
        Assert.That(again.CompletionToken, Is.Not.EqualTo(token));
        Assert.That(again.ActivityRequest.TaskId, Is.EqualTo(0));
    }

    [Test]
    public async Task StartInstance_NoStartTime_ReturnsOnceAWorkerHasTakenIt()
    {
        var id = NewId();
        await Eventually.ThatAsync(
            () => Runtime.Management.ConnectedWorkers("shop") == 0,
            "all workers to leave"
        );
        var start = Client
            .StartInstanceAsync(new() { InstanceId = id, Name = "silent" }, deadline: Soon)
            .ResponseAsync;
        await UntilStatusAsync(id, OrchestrationStatus.Pending);
        Assert.That(start.IsCompleted, Is.False);
        await using var mute = await ProtocolWorker.ConnectAsync(Runtime, _ => { });
        Assert.That((await start).InstanceId, Is.EqualTo(id));
        Assert.That(Runtime.Management.ConnectedWorkers("shop"), Is.EqualTo(1));
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Running));
    }

    [Test]
    public async Task CompleteOrchestratorTask_StaleToken_IsIgnored()
    {
        var id = NewId();
        await using var worker = await ProtocolWorker.ConnectAsync(Runtime, _ => { });
        await StartAsync("silent", id, "x");
        await Eventually.ThatAsync(() => worker.Turns(id).Any(), "the turn to be given out");
        var answer = new WorkflowResponse
        {
            InstanceId = id,
            CompletionToken = Guid.CreateVersion7().ToString(),
        };
        answer.Actions.Add(Replay.Done("stale"));
        await Client.CompleteOrchestratorTaskAsync(answer);
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Running));
        // An empty token is what workers of older protocols send.
        answer.CompletionToken = "";
        answer.Actions[0] = Replay.Done("current");
        await Client.CompleteWorkflowTaskAsync(answer);
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("current"));
    }

    [Test]
    public async Task CompleteActivityTask_Twice_FirstAnswerCounts()
    {
        var id = NewId();
        await using var worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w => w.Workflows["chain"] = Chain("by hand", 2)
        );
        await StartAsync("chain", id, "x");
        await Eventually.ThatAsync(() => worker.ActivitiesOf(id).Any(), "the activity to be given out");
        var token = worker.Items.First(i => i.ActivityRequest is not null).CompletionToken;
        foreach (var result in new[] { "first", "second" })
        {
            await Client.CompleteActivityTaskAsync(
                new()
                {
                    InstanceId = id,
                    TaskId = 0,
                    Result = result,
                    CompletionToken = token,
                }
            );
        }
        await Eventually.ThatAsync(
            () => worker.ActivitiesOf(id).Count() == 2,
            "the next activity to be given out"
        );
        Assert.That(worker.ActivitiesOf(id).Last().Input, Is.EqualTo("first"));
    }

    [Test]
    public async Task GetWorkItems_TwoWorkers_ShareTheWork()
    {
        await using var one = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        await using var two = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        var ids = Enumerable.Range(0, 20).Select(_ => NewId()).ToList();
        await Task.WhenAll(ids.Select(id => StartAsync("chain", id, "x")));
        await Task.WhenAll(ids.Select(FinishedAsync));
        Assert.That(new[] { one.Items.Count, two.Items.Count }, Is.All.GreaterThan(20 * 11 / 4));
    }

    [Test]
    public async Task GetWorkItems_WorkerWithoutTokens_Works()
    {
        var id = NewId();
        await using var worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            ConfigureChain,
            echoesTokens: false
        );
        await StartAsync("chain", id, "x");
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("x+++++"));
    }

    [Test]
    public async Task GetWorkItems_HistoryTooLongForAMessage_IsFetchedByTheWorker()
    {
        var id = NewId();
        await using var worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                ConfigureChain(w);
                w.FetchesHistory = true;
            }
        );
        await StartAsync("chain", id, new string('x', 500_000));
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo(new string('x', 500_000) + "+++++"));
        Assert.That(worker.Turns(id).Last().RequiresHistoryStreaming, Is.True);
        Assert.That(worker.Turns(id).First().RequiresHistoryStreaming, Is.False);
    }

    [Test]
    public async Task TerminateInstance_WorkerHangs_EndsAfterTheGrace()
    {
        var id = NewId();
        await using var mute = await ProtocolWorker.ConnectAsync(Runtime, _ => { });
        await StartAsync("hung", id, "x");
        await Eventually.ThatAsync(() => mute.Turns(id).Any(), "the turn to be given out");
        await Client.TerminateInstanceAsync(new() { InstanceId = id }, deadline: Soon);
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Terminated));
    }

    [Test]
    public async Task TerminateInstance_NoWorker_EndsAtOnce()
    {
        var id = NewId();
        await StartAsync("chain", id, "x");
        await Client.TerminateInstanceAsync(new() { InstanceId = id }, deadline: Soon);
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Terminated));
    }

    [Test]
    public async Task RaiseEvent_DatabaseAway_IsAcknowledgedOnlyWhenDurable()
    {
        var id = NewId();
        await using var worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w => w.Workflows["event"] = r => r.Raised("paid") is [var paid, ..] ? [Replay.Done(paid)] : []
        );
        await StartAsync("event", id);
        await UntilStatusAsync(id, OrchestrationStatus.Running);
        await Database.AllowConnectionsAsync(false);
        await Database.DisconnectAllAsync();
        var raise = Client
            .RaiseEventAsync(
                new()
                {
                    InstanceId = id,
                    Name = "paid",
                    Input = "8",
                },
                deadline: Soon
            )
            .ResponseAsync;
        Assert.That(await Task.WhenAny(raise, Task.Delay(300)), Is.Not.SameAs(raise));
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Running));
        await Database.AllowConnectionsAsync(true);
        await raise;
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("8"));
    }

    [Test]
    public async Task WriteAsync_DatabaseCutUnderLoad_EveryWorkflowEndsOnce()
    {
        var charged = new ConcurrentDictionary<string, int>();
        await using var worker = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        var ids = Enumerable.Range(0, 200).Select(_ => NewId()).ToList();
        var all = Task.WhenAll(ids.Select(RunAsync));
        for (var cut = 0; cut < 10; cut++)
        {
            await Task.Delay(50);
            await Database.DisconnectAllAsync();
        }
        await all;

        async Task RunAsync(string id)
        {
            var status = await StatusOf(() => StartAsync("chain", id, "x"));
            Assert.That(status.StatusCode, Is.EqualTo(StatusCode.OK));
            // The wait may fall on a cut connection while it reads: clients ask again.
            await Eventually.ThatAsync(
                async () =>
                    (
                        await StatusOf(async () => charged[id] = (await FinishedAsync(id)).Output.Length)
                    ).StatusCode == StatusCode.OK,
                "the end is known"
            );
            Assert.That(charged[id], Is.EqualTo("x+++++".Length));
        }
    }

    private static void ConfigureChain(ProtocolWorker worker)
    {
        worker.Workflows["chain"] = Chain("append", 5);
        worker.Activities["append"] = Activity(input => input + "+");
    }
}
