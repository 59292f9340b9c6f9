using Dapr.DurableTask.Protobuf;
using Dapr.Workflow;

namespace Souk.Tests.Standins;

[Description("K12")]
public sealed class ReplayEventTests
{
    [Test]
    public void WaitForEvent_SeveralArrive_OldestWaiterGetsTheOldest()
    {
        var run = Rehearsal.Of(async context =>
        {
            var first = context.WaitForExternalEventAsync<int>("scan");
            var second = context.WaitForExternalEventAsync<int>("scan");
            return await first * 10 + await second;
        });
        Assert.That(run.Start().Actions, Is.Empty);

        Assert.That(run.Turn(Happens.Raised("scan", "1")).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Raised("scan", "2")).Outcome().Result, Is.EqualTo("12"));
    }

    [Test]
    public void WaitForEvent_ArrivedBefore_IsTakenInOrderAndIgnoresCase()
    {
        var run = Rehearsal.Of(async context =>
        {
            await context.CallActivityAsync("A");
            var first = await context.WaitForExternalEventAsync<string>("PAID");
            var second = await context.WaitForExternalEventAsync<string>("paid");
            return first + second;
        });
        run.Start(Happens.Raised("Paid", "\"x\""));
        run.Turn(Happens.Raised("other", "\"?\""), Happens.Raised("pAID", "\"y\""));

        Assert.That(run.Turn(Happens.Completed(0)).Outcome().Result, Is.EqualTo("\"xy\""));
    }

    [Test]
    public void WaitForEvent_InTime_TakesTheTimerBack()
    {
        var run = Rehearsal.Of(context =>
            context.WaitForExternalEventAsync<string>("paid", TimeSpan.FromMinutes(15))
        );
        var begun = run.Now;

        var timer = run.Start().Actions.Single().CreateTimer;
        Assert.That(timer.ExternalEvent.Name, Is.EqualTo("paid"));
        Assert.That(timer.FireAt.ToDateTime(), Is.EqualTo(begun.AddMinutes(15)));
        Assert.That(run.Turn(Happens.Raised("paid", "\"card\"")).Outcome().Result, Is.EqualTo("\"card\""));
    }

    [Test]
    public void WaitForEvent_TooLate_ThrowsAndLeavesTheEventToTheNextWait()
    {
        var run = Rehearsal.Of(async context =>
        {
            try
            {
                return await context.WaitForExternalEventAsync<string>("paid", TimeSpan.FromMinutes(15));
            }
            catch (TaskCanceledException)
            {
                await context.CallActivityAsync("Remind");
                return "late " + await context.WaitForExternalEventAsync<string>("paid");
            }
        });
        run.Start();

        var answer = run.Turn(Happens.Fired(0), Happens.Raised("paid", "\"card\""));
        Assert.That(answer.Asked(), Is.EqualTo(new[] { "1:activity Remind" }));
        Assert.That(run.Turn(Happens.Completed(1)).Outcome().Result, Is.EqualTo("\"late card\""));
    }

    [Test]
    public void WaitForEvent_EventAndTimerInOneTurn_FirstOneCounts()
    {
        var run = Rehearsal.Of(context =>
            context.WaitForExternalEventAsync<int>("paid", TimeSpan.FromMinutes(15))
        );
        run.Start();

        Assert.That(
            run.Turn(Happens.Raised("paid", "1"), Happens.Fired(0)).Outcome().Result,
            Is.EqualTo("1")
        );
    }

    [Test]
    public void WaitForEvent_ZeroTimeout_TakesWhatIsThereAndNeverWaits()
    {
        var run = Rehearsal.Of(async context =>
        {
            await context.CallActivityAsync("A");
            var seen = await context.WaitForExternalEventAsync<int>("paid", TimeSpan.Zero);
            try
            {
                return await context.WaitForExternalEventAsync<int>("paid", TimeSpan.Zero);
            }
            catch (TaskCanceledException)
            {
                return seen;
            }
        });
        run.Start(Happens.Raised("paid", "7"));

        Assert.That(run.Turn(Happens.Completed(0)).Outcome().Result, Is.EqualTo("7"));
    }

    [Test]
    public void SendEvent_Turn_AsksOnce()
    {
        var run = Rehearsal.Of(async context =>
        {
            context.SendEvent("delivery-1", "ready", new { shelf = 3 });
            await context.CallActivityAsync("A");
            return 1;
        });

        var answer = run.Start();
        Assert.That(answer.Asked(), Is.EqualTo(new[] { "0:event ready", "1:activity A" }));
        Assert.That(answer.Actions[0].SendEvent.Instance.InstanceId, Is.EqualTo("delivery-1"));
        Assert.That(answer.Actions[0].SendEvent.Data, Is.EqualTo("""{"shelf":3}"""));
        Assert.That(run.Turn(Happens.Completed(1)).Asked(), Is.EqualTo(new[] { "2:Completed" }));
    }

    [Test]
    public void CallChild_NoIdGiven_MakesTheSameOneInEveryReplay()
    {
        var run = Rehearsal.Of(async context =>
        {
            var text = await context.CallChildWorkflowAsync<string>("Deliver", 5);
            return text + context.NewGuid();
        });
        var child = run.Start().Actions.Single().CreateChildWorkflow;
        Assert.That(Guid.TryParse(child.InstanceId, out _), Is.True);
        Assert.That(child.Input, Is.EqualTo("5"));

        var result = run.Turn(Happens.ChildCompleted(0, "\"done \"")).Outcome().Result;
        Assert.That(result, Does.StartWith("\"done ").And.Not.Contains(child.InstanceId));
    }

    [Test]
    public void CallChild_Fails_IsRetriedUnderItsPolicy()
    {
        var options = new ChildWorkflowTaskOptions(
            "child-1",
            new WorkflowRetryPolicy(2, TimeSpan.FromSeconds(1))
        );
        var run = Rehearsal.Of(context => context.CallChildWorkflowAsync<int>("Deliver", null, options));
        Assert.That(run.Start().Actions.Single().CreateChildWorkflow.InstanceId, Is.EqualTo("child-1"));

        var timer = run.Turn(Happens.ChildFailed(0)).Actions.Single().CreateTimer;
        Assert.That(timer.ChildWorkflowRetry.InstanceId, Is.EqualTo("child-1"));
        Assert.That(run.Turn(Happens.Fired(1)).Asked(), Is.EqualTo(new[] { "2:child Deliver" }));
        var end = run.Turn(Happens.ChildFailed(2)).Outcome();
        Assert.That(end.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
    }
}
