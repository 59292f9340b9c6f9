using Dapr.DurableTask.Protobuf;
using Dapr.Workflow;

namespace Souk.Tests.Standins;

[Description("K12")]
public sealed class ReplayTimerTests
{
    [Test]
    public void CreateTimer_Delay_FiresThatLongAfterTheWorkflowsClock()
    {
        var run = Rehearsal.Of(async context =>
        {
            var begun = context.CurrentUtcDateTime;
            await context.CreateTimer(TimeSpan.FromMinutes(15));
            return context.CurrentUtcDateTime - begun;
        });
        var begun = run.Now;

        var timer = run.Start().Actions.Single().CreateTimer;
        Assert.That(timer.FireAt.ToDateTime(), Is.EqualTo(begun.AddMinutes(15)));
        Assert.That(timer.OriginCase, Is.EqualTo(CreateTimerAction.OriginOneofCase.CreateTimer));

        run.Now = begun.AddMinutes(16);
        Assert.That(run.Turn(Happens.Fired(0)).Outcome().Result, Is.EqualTo("\"00:16:00\""));
    }

    [Test]
    public void CreateTimer_CancelledInItsTurn_IsNotAskedForButKeepsItsId()
    {
        var run = Rehearsal.Of(async context =>
        {
            using var cancel = new CancellationTokenSource();
            var timer = context.CreateTimer(TimeSpan.FromHours(1), cancel.Token);
            cancel.Cancel();
            await context.CallActivityAsync("A");
            return timer.IsCanceled;
        });

        Assert.That(run.Start().Asked(), Is.EqualTo(new[] { "1:activity A" }));
        Assert.That(run.Turn(Happens.Completed(1)).Outcome().Result, Is.EqualTo("true"));
    }

    [Test]
    public void CreateTimer_CancelledLater_StaysInTheHistoryAndIsIgnored()
    {
        var run = Rehearsal.Of(async context =>
        {
            using var cancel = new CancellationTokenSource();
            var timer = context.CreateTimer(TimeSpan.FromHours(1), cancel.Token);
            var paid = context.WaitForExternalEventAsync<string>("paid");
            var first = await Task.WhenAny(timer, paid);
            cancel.Cancel(); // CancelAsync leaves the turn's thread.
            await context.CallActivityAsync("Confirm");
            return first == paid ? await paid : "expired";
        });
        Assert.That(run.Start().Asked(), Is.EqualTo(new[] { "0:timer" }));

        Assert.That(
            run.Turn(Happens.Raised("paid", "\"card\"")).Asked(),
            Is.EqualTo(new[] { "1:activity Confirm" })
        );
        Assert.That(run.Turn(Happens.Fired(0)).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Completed(1)).Outcome().Result, Is.EqualTo("\"card\""));
    }

    [Test]
    public void Retry_Fails_TriesAgainAfterGrowingPausesUnderOneKey()
    {
        var policy = new WorkflowRetryPolicy(
            maxNumberOfAttempts: 4,
            firstRetryInterval: TimeSpan.FromSeconds(10),
            backoffCoefficient: 3,
            maxRetryInterval: TimeSpan.FromSeconds(60)
        );
        var run = Rehearsal.Of(context =>
            context.CallActivityAsync<int>("Capture", null, new WorkflowTaskOptions(policy))
        );
        var key = run.Start().Actions.Single().ScheduleTask.TaskExecutionId;
        var pauses = new List<double>();

        for (var id = 0; id < 6; id += 2)
        {
            var now = run.Now;
            var timer = run.Turn(Happens.Failed(id)).Actions.Single().CreateTimer;
            pauses.Add((timer.FireAt.ToDateTime() - now).TotalSeconds);
            Assert.That(timer.ActivityRetry.TaskExecutionId, Is.EqualTo(key));
            var again = run.Turn(Happens.Fired(id + 1)).Actions.Single();
            Assert.That(again.Id, Is.EqualTo(id + 2));
            Assert.That(again.ScheduleTask.TaskExecutionId, Is.EqualTo(key));
        }

        Assert.That(pauses, Is.EqualTo(new[] { 10d, 30d, 60d }));
        var end = run.Turn(Happens.Failed(6)).Outcome();
        Assert.That(end.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
    }

    [Test]
    public void Retry_SucceedsAtLast_GivesTheResult()
    {
        var policy = new WorkflowRetryPolicy(2, TimeSpan.FromSeconds(1));
        var run = Rehearsal.Of(context =>
            context.CallActivityAsync<int>("Capture", null, new WorkflowTaskOptions(policy))
        );
        run.Start();
        run.Turn(Happens.Failed(0));
        run.Turn(Happens.Fired(1));

        Assert.That(run.Turn(Happens.Completed(2, "5")).Outcome().Result, Is.EqualTo("5"));
    }

    [Test]
    public void Retry_NonRetriableFailure_IsNotTriedAgain()
    {
        var policy = new WorkflowRetryPolicy(5, TimeSpan.FromSeconds(1));
        var run = Rehearsal.Of(context =>
            context.CallActivityAsync<int>("Capture", null, new WorkflowTaskOptions(policy))
        );
        run.Start();

        var end = run.Turn(Happens.Failed(0, nonRetriable: true)).Outcome();
        Assert.That(end.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
    }

    [Test]
    public void Retry_TimeoutPassed_IsNotTriedAgain()
    {
        var policy = new WorkflowRetryPolicy(
            maxNumberOfAttempts: 100,
            firstRetryInterval: TimeSpan.FromSeconds(1),
            retryTimeout: TimeSpan.FromSeconds(30)
        );
        var run = Rehearsal.Of(context =>
            context.CallActivityAsync<int>("Capture", null, new WorkflowTaskOptions(policy))
        );
        run.Start();
        Assert.That(run.Turn(Happens.Failed(0)).Asked(), Is.EqualTo(new[] { "1:timer" }));
        run.Turn(Happens.Fired(1));
        run.Now = run.Now.AddMinutes(1);

        Assert.That(run.Turn(Happens.Failed(2)).Asked(), Is.EqualTo(new[] { "3:Failed" }));
    }

    [TestCase(0, 1, 1.0, null)]
    [TestCase(1, 0, 1.0, null)]
    [TestCase(1, 1, 0.5, null)]
    [TestCase(1, 10, 1.0, 5)]
    [TestCase(1, 7200, 1.0, null)]
    public void RetryPolicy_ImpossibleNumbers_AreRefused(
        int attempts,
        int first,
        double coefficient,
        int? max
    )
    {
        TimeSpan? cap = max is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        Assert.That(
            () => new WorkflowRetryPolicy(attempts, TimeSpan.FromSeconds(first), coefficient, cap),
            Throws.InstanceOf<ArgumentOutOfRangeException>()
        );
    }
}
