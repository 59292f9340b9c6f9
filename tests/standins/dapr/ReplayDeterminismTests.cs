using Dapr.DurableTask.Protobuf;
using Dapr.Workflow;
using Microsoft.Extensions.Logging;
using Souk.Tests.Harness;

namespace Souk.Tests.Standins;

[Description("K12")]
public sealed class ReplayDeterminismTests
{
    private const string Mismatch = "Dapr.Workflow.Replay.NonDeterministicWorkflowException";

    [Test]
    public void Replay_AnotherActivityThanInTheHistory_FailsAndNamesBoth()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("Hold"));
        run.Start();

        var failure = run.ContinuedBy(context => context.CallActivityAsync<int>("Charge"))
            .Turn(Happens.Completed(0, "1"))
            .Outcome()
            .FailureDetails;
        Assert.That(failure.ErrorType, Is.EqualTo(Mismatch));
        Assert.That(failure.ErrorMessage, Does.Contain("'Hold'").And.Contains("'Charge'"));
    }

    [Test]
    public void Replay_ATimerInsteadOfAnActivity_Fails()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("Hold"));
        run.Start();

        var other = run.ContinuedBy(async context =>
        {
            await context.CreateTimer(TimeSpan.FromSeconds(1));
            return 1;
        });
        Assert.That(
            other.Turn(Happens.Completed(0, "1")).Outcome().FailureDetails.ErrorType,
            Is.EqualTo(Mismatch)
        );
    }

    [Test]
    public void Replay_AStepFewerThanInTheHistory_Fails()
    {
        var run = Rehearsal.Of(async context =>
            await Task.WhenAll(context.CallActivityAsync<int>("A"), context.CallActivityAsync<int>("B"))
        );
        run.Start();

        var other = run.ContinuedBy(context => context.CallActivityAsync<int>("A"));
        Assert.That(
            other.Turn(Happens.Completed(0, "1")).Outcome().FailureDetails.ErrorType,
            Is.EqualTo(Mismatch)
        );
    }

    [Test]
    public void Replay_NamesDifferInCaseOnly_IsTheSame()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("Hold"));
        run.Start();

        var other = run.ContinuedBy(context => context.CallActivityAsync<int>("HOLD"));
        Assert.That(other.Turn(Happens.Completed(0, "1")).Outcome().Result, Is.EqualTo("1"));
    }

    [Test]
    public void NewGuid_EveryReplay_IsTheSameAndOfVersionFive()
    {
        var seen = new HashSet<Guid>();
        var run = Rehearsal.Of(async context =>
        {
            seen.Add(context.NewGuid());
            await context.CallActivityAsync("A");
            seen.Add(context.NewGuid());
            return 1;
        });
        run.Start();
        run.Turn(Happens.Completed(0));

        Assert.That(seen, Has.Count.EqualTo(2));
        Assert.That(seen.Select(id => id.Version), Is.All.EqualTo(5));
    }

    [Test]
    public void NewGuid_AnotherRun_IsAnother()
    {
        static async Task<Guid> IdAsync(WorkflowContext context) => await Task.FromResult(context.NewGuid());

        var first = Rehearsal.Of(IdAsync, runId: "run-1").Start().Outcome().Result;
        var second = Rehearsal.Of(IdAsync, runId: "run-2").Start().Outcome().Result;
        Assert.That(first, Is.Not.EqualTo(second));
    }

    [Test]
    public void TaskExecutionId_AnotherRun_IsAnother()
    {
        static Task<int> CallAsync(WorkflowContext context) => context.CallActivityAsync<int>("A");

        var first = Rehearsal.Of(CallAsync, runId: "run-1").Start().Actions.Single().ScheduleTask;
        var second = Rehearsal.Of(CallAsync, runId: "run-2").Start().Actions.Single().ScheduleTask;
        Assert.That(first.TaskExecutionId, Is.Not.EqualTo(second.TaskExecutionId));
    }

    [Test]
    public void IsReplaying_OnlyWhatHappensNow_IsLive()
    {
        var seen = new List<bool>();
        var run = Rehearsal.Of(async context =>
        {
            seen.Add(context.IsReplaying);
            await context.CallActivityAsync("A");
            seen.Add(context.IsReplaying);
            return 1;
        });
        run.Start();
        seen.Clear();
        run.Turn(Happens.Completed(0));

        // Rehearsal runs each turn twice.
        Assert.That(seen, Is.EqualTo(new[] { true, false, true, false }));
    }

    [Test]
    public void ReplaySafeLogger_Replay_IsSilent()
    {
        using var loggers = new RecordingLogger();
        var run = Rehearsal.Of<string?, int>(
            async (context, _) =>
            {
                var logger = context.CreateReplaySafeLogger("steps");
#pragma warning disable CA1848, CA2254 // a test's line
                logger.LogInformation("begun");
                await context.CallActivityAsync("A");
                logger.LogInformation("done");
#pragma warning restore CA1848, CA2254
                return 1;
            },
            null,
            loggers: loggers
        );
        run.Start();
        run.Turn(Happens.Completed(0));

        // Two lines, each turn run twice by the rehearsal.
        Assert.That(loggers.Lines, Has.Count.EqualTo(4));
    }

    [Test]
    public void Wait_ForSomethingForeign_FailsInsteadOfHanging()
    {
        var run = Rehearsal.Of(async _ =>
        {
            await new TaskCompletionSource().Task;
            return 1;
        });

        var failure = run.Start().Outcome().FailureDetails;
        Assert.That(failure.ErrorMessage, Does.Contain("belongs into an activity"));
    }

    [Test]
    public void Wait_YieldsAndSemaphores_StayOnTheTurn()
    {
        var run = Rehearsal.Of(async context =>
        {
            using var gate = new SemaphoreSlim(1);
            async Task<int> OneAtATimeAsync(string name)
            {
                await gate.WaitAsync();
                await Task.Yield();
                var result = await context.CallActivityAsync<int>(name);
                gate.Release();
                return result;
            }
            var results = await Task.WhenAll(OneAtATimeAsync("A"), OneAtATimeAsync("B"));
            return results.Sum();
        });

        Assert.That(run.Start().Asked(), Is.EqualTo(new[] { "0:activity A" }));
        Assert.That(run.Turn(Happens.Completed(0, "1")).Asked(), Is.EqualTo(new[] { "1:activity B" }));
        Assert.That(run.Turn(Happens.Completed(1, "2")).Outcome().Result, Is.EqualTo("3"));
    }

    [Test]
    public void Context_UsedAfterItsTurn_Refuses()
    {
        WorkflowContext? kept = null;
        Rehearsal
            .Of(context =>
            {
                kept = context;
                return Task.FromResult(1);
            })
            .Start();

        Assert.That(() => kept!.CallActivityAsync("A"), Throws.InvalidOperationException);
    }

    [Test]
    public void Replay_RandomOrderBatchesAndSuspensions_AsksOnceForEachStepAndGivesOneResult()
    {
        for (var seed = 0; seed < 300; seed++)
            Assert.That(Play(new Random(seed)), Is.EqualTo("45"), $"seed {seed}");
    }

    /// <summary>
    /// Ten lanes of two steps each, delivered in a random order, in random batches, with suspensions.
    /// </summary>
    private static string Play(Random random)
    {
        var run = Rehearsal.Of(async context =>
        {
            var lanes = Enumerable.Range(0, 10).Select(LaneAsync).ToArray();
            return (await Task.WhenAll(lanes)).Sum();

            async Task<int> LaneAsync(int lane)
            {
                var echoed = await context.CallActivityAsync<int>("Echo", lane);
                if (lane % 3 == 0)
                    await context.CreateTimer(TimeSpan.FromSeconds(lane));
                return await context.CallActivityAsync<int>("Echo", echoed);
            }
        });
        var asked = new HashSet<int>();
        var open = new List<HistoryEvent>();
        var suspended = false;
        var answer = run.Start();
        while (true)
        {
            foreach (var action in answer.Actions)
            {
                Assert.That(asked.Add(action.Id), Is.True, "each id is asked for once");
                if (action.CompleteWorkflow is { } end)
                    return end.Result;
                var done = action.ScheduleTask is { } call
                    ? Happens.Completed(action.Id, call.Input)
                    : Happens.Fired(action.Id);
                open.Insert(random.Next(open.Count + 1), done);
            }
            var batch = open.Take(random.Next(1, 4)).ToList();
            open.RemoveRange(0, batch.Count);
            if (suspended || random.Next(4) == 0)
            {
                batch.Insert(
                    random.Next(batch.Count + 1),
                    suspended ? Happens.Resumed() : Happens.Suspended()
                );
                suspended = !suspended;
            }
            answer = run.Turn([.. batch]);
        }
    }
}
