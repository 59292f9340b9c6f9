using System.Collections.Concurrent;
using System.Globalization;
using Dapr.DurableTask.Protobuf;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>Crashes of the runtime: what was durable is taken up again, what was acknowledged is never
/// lost.</summary>
internal sealed class CrashTests : WorkflowFixture
{
    [Test]
    public async Task Open_AfterACrashAtAnyCommitPoint_EndsTheSame()
    {
        var (whole, answers) = (NewId(), new ConcurrentBag<string>());
        Assert.That(await StateAsync(whole), Is.Null);
        await using var saved = await SavedLog.StartAsync(Database);
        await using (await ProtocolWorker.ConnectAsync(Runtime, w => ConfigureJourney(w, answers)))
        {
            await StartAsync("journey", whole, "go");
            Assert.That((await FinishedAsync(whole)).Output, Is.EqualTo("end of middle of go abc kid-go"));
        }
        await Runtime.DisposeAsync();

        var points = await saved.StopAsync();
        Assert.That(points, Has.Count.GreaterThan(5));
        foreach (var point in points)
        {
            await saved.RestoreAsync(point);
            var crash = TimeProvider.System.GetUtcNow();
            Runtime = await WorkflowRuntime.StartAsync(Database);
            await using var worker = await ProtocolWorker.ConnectAsync(
                Runtime,
                w => ConfigureJourney(w, answers)
            );
            var state = await FinishedAsync(whole);
            Assert.That(state.Output, Is.EqualTo("end of middle of go abc kid-go"), $"after {point}");
            await AssertNothingRepeatedAsync(whole, worker, crash);
            await Runtime.CrashAsync();
        }
        Runtime = await WorkflowRuntime.StartAsync(Database);
    }

    [Test]
    public async Task StartInstance_AcknowledgedBeforeACrash_IsThereAfterwards()
    {
        var ids = new ConcurrentBag<string>();
        var random = new Random(20_260_801);
        for (var round = 0; round < 8; round++)
        {
            await using var worker = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
            var starts = Enumerable.Range(0, 40).Select(_ => StartAndNoteAsync(ids)).ToList();
            await Task.WhenAny(starts);
            await Task.Delay(random.Next(1, 40));
            await Runtime.CrashAsync();
            await Task.WhenAll(starts);
            Runtime = await WorkflowRuntime.StartAsync(Database);
        }
        await using var last = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        Assert.That(ids, Is.Not.Empty);
        foreach (var id in ids)
        {
            Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("x+++++"));
        }
    }

    [Test]
    public async Task CompleteActivityTask_AcknowledgedBeforeACrash_IsNotRunAgain()
    {
        var (id, runs) = (NewId(), 0);
        await using (
            var worker = await ProtocolWorker.ConnectAsync(
                Runtime,
                w =>
                {
                    w.Workflows["chain"] = Chain("charge", 1);
                    // Silent: the test answers by itself, to know that the answer was acknowledged.
                }
            )
        )
        {
            await StartAsync("chain", id, "x");
            await Eventually.ThatAsync(() => worker.ActivitiesOf(id).Any(), "the activity to be given out");
            var item = worker.Items.First(i => i.ActivityRequest is not null);
            await Client.CompleteActivityTaskAsync(
                new()
                {
                    InstanceId = id,
                    TaskId = item.ActivityRequest.TaskId,
                    Result = "charged once",
                    CompletionToken = item.CompletionToken,
                }
            );
        }
        await Runtime.CrashAsync();
        Runtime = await WorkflowRuntime.StartAsync(Database);
        await using var next = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                w.Workflows["chain"] = Chain("charge", 1);
                w.Activities["charge"] = _ => Task.FromResult<string?>($"charged again {runs++}");
            }
        );
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("charged once"));
        Assert.That(runs, Is.Zero);
    }

    [Test]
    public async Task CompleteActivityTask_TokenFromBeforeTheCrash_IsAccepted()
    {
        var id = NewId();
        WorkItem item;
        await using (
            var worker = await ProtocolWorker.ConnectAsync(
                Runtime,
                w => w.Workflows["chain"] = Chain("slow", 1)
            )
        )
        {
            await StartAsync("chain", id, "x");
            await Eventually.ThatAsync(() => worker.ActivitiesOf(id).Any(), "the activity to be given out");
            item = worker.Items.First(i => i.ActivityRequest is not null);
        }
        await Runtime.CrashAsync();
        Runtime = await WorkflowRuntime.StartAsync(Database);
        await Client.CompleteActivityTaskAsync(
            new()
            {
                InstanceId = id,
                TaskId = 0,
                Result = "done meanwhile",
                CompletionToken = item.CompletionToken,
            }
        );
        await using var next = await ProtocolWorker.ConnectAsync(
            Runtime,
            w => w.Workflows["chain"] = Chain("slow", 1)
        );
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("done meanwhile"));
    }

    [Test]
    public async Task StartInstance_NoWorker_WaitsAsPendingAcrossRestarts()
    {
        var id = NewId();
        await StartAsync("chain", id, "x");
        await Runtime.CrashAsync();
        Runtime = await WorkflowRuntime.StartAsync(Database);
        Assert.That((await StateAsync(id))!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Pending));
        await using var worker = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("x+++++"));
    }

    [Test]
    public async Task Open_ByASecondRuntime_EndsTheFirstWithoutContradiction()
    {
        await using var worker = await ProtocolWorker.ConnectAsync(Runtime, ConfigureChain);
        var first = NewId();
        await StartAsync("chain", first, "x");
        await FinishedAsync(first);
        await using var second = await WorkflowRuntime.StartAsync(Database);
        var id = NewId();
        await second.Client.StartInstanceAsync(
            new()
            {
                InstanceId = id,
                Name = "chain",
                ScheduledStartTimestamp = new(),
            }
        );
        var refused = await StatusOf(() => StartAsync("chain", id, "y"));
        Assert.That(refused.StatusCode, Is.EqualTo(Grpc.Core.StatusCode.Unavailable));
        var listed = await second.Client.GetInstanceAsync(
            new() { InstanceId = id, GetInputsAndOutputs = true }
        );
        Assert.That(listed.WorkflowState.Input, Is.Null, "the refused start left nothing behind");
        await Runtime.DisposeAsync();
        Runtime = await WorkflowRuntime.StartAsync(Database);
    }

    private async Task StartAndNoteAsync(ConcurrentBag<string> ids)
    {
        var id = NewId();
        if ((await StatusOf(() => StartAsync("chain", id, "x"))).StatusCode == Grpc.Core.StatusCode.OK)
        {
            ids.Add(id);
        }
    }

    private static void ConfigureChain(ProtocolWorker worker)
    {
        worker.Workflows["chain"] = Chain("append", 5);
        worker.Activities["append"] = Activity(input => input + "+");
    }

    /// <summary>One run through everything that leaves traces in the log.</summary>
    private static void ConfigureJourney(ProtocolWorker worker, ConcurrentBag<string> answers)
    {
        worker.Activities["letter"] = request =>
        {
            answers.Add(request.Input);
            return Task.FromResult<string?>(request.Input);
        };
        worker.Workflows["journey"] = Journey;
        worker.Workflows["kid"] = replay =>
            replay.IsFirst ? [Replay.Task(0, "letter", $"kid-{replay.Input}")]
            : replay.ResultOf(0) is { } letter
                ?
                [
                    Replay.Send(1, replay.Started.ParentInstance.WorkflowInstance.InstanceId, "hello", "x"),
                    Replay.Done(letter),
                ]
            : [];
    }

    private static IEnumerable<WorkflowAction> Journey(Replay replay)
    {
        if (replay.Input.StartsWith("middle", StringComparison.Ordinal))
        {
            return [Replay.Done($"end of {replay.Input}")];
        }
        if (replay.IsFirst)
        {
            return "abc".Select(
                (letter, i) => Replay.Task(i, "letter", letter.ToString(CultureInfo.InvariantCulture))
            );
        }
        var letters = Enumerable.Range(0, 3).Select(replay.ResultOf).ToList();
        if (letters.Contains(null))
        {
            return [];
        }
        if (!replay.Events.Exists(e => e.TimerCreated is not null))
        {
            return [Replay.Timer(3, replay.Now.AddMilliseconds(60)), Replay.Child(4, "kid", replay.Input)];
        }
        return replay.IsFired(3) && replay.ChildResultOf(4) is { } kid && replay.Raised("hello").Count == 1
            ? [Replay.Again($"middle of {replay.Input} {string.Concat(letters)} {kid}")]
            : [];
    }

    /// <summary>Work whose answer the history holds from before the crash was not given out again.</summary>
    private async Task AssertNothingRepeatedAsync(string id, ProtocolWorker worker, DateTimeOffset crash)
    {
        foreach (var turn in worker.Turns(id).Take(1))
        {
            var done = turn
                .PastEvents.Concat(turn.NewEvents)
                .Where(e => e.Timestamp.ToDateTimeOffset() < crash)
                .Select(e => e.TaskCompleted?.TaskScheduledId)
                .OfType<int>()
                .ToHashSet();
            var repeated = worker
                .ActivitiesOf(id)
                .Where(a => a.WorkflowInstance.ExecutionId == turn.ExecutionId && done.Contains(a.TaskId));
            Assert.That(repeated, Is.Empty);
        }
        var history = await Client.GetInstanceHistoryAsync(new() { InstanceId = id });
        Assert.That(history.Events.Count(e => e.ExecutionCompleted is not null), Is.EqualTo(1));
    }
}
