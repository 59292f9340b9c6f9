using Dapr.DurableTask.Protobuf;

namespace Souk.Tests.Standins;

[Description("K12")]
public sealed class ReplayLifecycleTests
{
    [Test]
    public void Terminate_Running_EndsWithTheOutputAndNothingElse()
    {
        var run = Rehearsal.Of(async context =>
        {
            await context.CallActivityAsync("A");
            return await context.CallActivityAsync<int>("B");
        });
        run.Start();

        var end = run.Turn(
            Happens.Completed(0),
            Happens.Terminated("\"by operator\""),
            Happens.Completed(1, "1")
        );

        Assert.That(end.Actions, Has.Count.EqualTo(1));
        Assert.That(end.Outcome().WorkflowStatus, Is.EqualTo(OrchestrationStatus.Terminated));
        Assert.That(end.Outcome().Result, Is.EqualTo("\"by operator\""));
    }

    [Test]
    public void Terminate_AfterTheLastStep_TheWorkflowsOwnEndCounts()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("A"));
        run.Start();

        var end = run.Turn(Happens.Completed(0, "1"), Happens.Terminated(null)).Outcome();
        Assert.That(end.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Completed));
    }

    [Test]
    public void Suspend_EventsArrive_CodeRunsOnlyAfterTheResume()
    {
        var ran = 0;
        var run = Rehearsal.Of(async context =>
        {
            var first = await context.WaitForExternalEventAsync<int>("a");
            ran++;
            var second = await context.WaitForExternalEventAsync<int>("a");
            return first * 10 + second;
        });
        run.Start();

        Assert.That(run.Turn(Happens.Suspended()).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Raised("a", "1")).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Raised("a", "2")).Actions, Is.Empty);
        Assert.That(ran, Is.Zero);
        Assert.That(run.Turn(Happens.Resumed()).Outcome().Result, Is.EqualTo("12"));
    }

    [Test]
    public void Suspend_AtTheEndOfATurn_WhatTheCodeAskedForIsAskedAfterTheResume()
    {
        var run = Rehearsal.Of(async context =>
        {
            await context.CallActivityAsync("A");
            await context.CallActivityAsync("B");
            return 1;
        });
        run.Start();

        Assert.That(run.Turn(Happens.Completed(0), Happens.Suspended()).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Resumed()).Asked(), Is.EqualTo(new[] { "1:activity B" }));
        Assert.That(run.Turn(Happens.Completed(1)).Asked(), Is.EqualTo(new[] { "2:Completed" }));
    }

    [Test]
    public void Suspend_BeforeTheStart_NothingRunsUntilTheResume()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("A"));

        Assert.That(run.Turn(Happens.Suspended(), Happens.Started("Checkout", null)).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Resumed()).Asked(), Is.EqualTo(new[] { "0:activity A" }));
    }

    [Test]
    public void Suspend_ThenTerminate_Ends()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("A"));
        run.Start();
        run.Turn(Happens.Completed(0, "1"), Happens.Suspended());

        var end = run.Turn(Happens.Terminated(null)).Outcome();
        Assert.That(end.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Terminated));
    }

    [TestCase(true, "b,c,d")]
    [TestCase(false, "")]
    public void ContinueAsNew_UnreadEvents_AreCarriedOverWhenAskedFor(bool preserve, string carried)
    {
        var run = Rehearsal.Of<int, int>(
            async (context, round) =>
            {
                await context.WaitForExternalEventAsync<int>("a");
                context.ContinueAsNew(round + 1, preserve);
                return 0;
            },
            "3"
        );
        run.Start(Happens.Raised("b"), Happens.Raised("c"));

        // "d" comes after the code has decided to start over, in the same turn: it must not be lost either.
        var end = run.Turn(Happens.Raised("a", "1"), Happens.Raised("d")).Outcome();

        Assert.That(end.WorkflowStatus, Is.EqualTo(OrchestrationStatus.ContinuedAsNew));
        Assert.That(end.Result, Is.EqualTo("4"));
        var names = string.Join(',', end.CarryoverEvents.Select(carryover => carryover.EventRaised.Name));
        Assert.That(names, Is.EqualTo(carried));
    }

    [Test]
    public void ContinueAsNew_CarriedEvents_AreReadByTheNextRun()
    {
        var run = Rehearsal.Of(
            async context =>
                await context.WaitForExternalEventAsync<int>("b")
                + await context.WaitForExternalEventAsync<int>("c"),
            runId: "run-2"
        );

        Assert.That(
            run.Start(Happens.Raised("b", "1"), Happens.Raised("c", "2")).Outcome().Result,
            Is.EqualTo("3")
        );
    }

    [Test]
    public void ContinueAsNew_LateCompletionOfTheOldRun_IsIgnored()
    {
        var run = Rehearsal.Of(context => context.WaitForExternalEventAsync<int>("go"), runId: "run-2");

        Assert.That(run.Start(Happens.Completed(0, "9"), Happens.Fired(4)).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Raised("go", "1")).Outcome().Result, Is.EqualTo("1"));
    }

    [Test]
    public void CustomStatus_Set_IsShownUntilItChanges()
    {
        var run = Rehearsal.Of(async context =>
        {
            await context.CallActivityAsync("A");
            context.SetCustomStatus(new { step = "held" });
            await context.CallActivityAsync("B");
            context.SetCustomStatus("paid");
            return 1;
        });

        Assert.That(run.Start().CustomStatus, Is.Null);
        Assert.That(run.Turn(Happens.Completed(0)).CustomStatus, Is.EqualTo("""{"step":"held"}"""));
        Assert.That(run.Turn(Happens.Completed(1)).CustomStatus, Is.EqualTo("\"paid\""));
    }

    [Test]
    public void Workflow_Throws_FailsWithTypeMessageAndCause()
    {
        var run = Rehearsal.Of<int>(_ => throw new InvalidOperationException("no", new IOException("disk")));

        var failure = run.Start().Outcome().FailureDetails;
        Assert.That(failure.ErrorType, Is.EqualTo(typeof(InvalidOperationException).FullName));
        Assert.That(failure.ErrorMessage, Is.EqualTo("no"));
        Assert.That(failure.InnerFailure.ErrorMessage, Is.EqualTo("disk"));
    }
}
