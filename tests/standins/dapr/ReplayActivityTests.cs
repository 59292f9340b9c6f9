using Dapr.DurableTask.Protobuf;
using Dapr.Workflow;

namespace Souk.Tests.Standins;

[Description("K12")]
public sealed class ReplayActivityTests
{
    private sealed record Item(string Sku, int Quantity);

    [Test]
    public void Turn_FirstActivity_IsAskedForWithIdZero()
    {
        var answer = Rehearsal
            .Of<Item, string>(
                (context, item) => context.CallActivityAsync<string>("Hold", item),
                """{"sku":"a","quantity":2}"""
            )
            .Start();

        Assert.That(answer.Asked(), Is.EqualTo(new[] { "0:activity Hold" }));
        Assert.That(answer.Actions[0].ScheduleTask.Input, Is.EqualTo("""{"sku":"a","quantity":2}"""));
        Assert.That(answer.Actions[0].ScheduleTask.TaskExecutionId, Has.Length.EqualTo(32));
    }

    [Test]
    public void Turn_ResultsArrive_CodeGoesOnWithThem()
    {
        var run = Rehearsal.Of(async context =>
        {
            var price = await context.CallActivityAsync<int>("Price");
            await context.CallActivityAsync("Charge", price);
            return price * 2;
        });
        run.Start();

        Assert.That(run.Turn(Happens.Completed(0, "21")).Asked(), Is.EqualTo(new[] { "1:activity Charge" }));
        var end = run.Turn(Happens.Completed(1));

        Assert.That(end.Asked(), Is.EqualTo(new[] { "2:Completed" }));
        Assert.That(end.Outcome().Result, Is.EqualTo("42"));
    }

    [Test]
    public void Turn_NothingReturned_ResultIsAbsent()
    {
        var run = Rehearsal.Of(_ => Task.FromResult<string?>(null));
        Assert.That(run.Start().Outcome().Result, Is.Null);
    }

    [Test]
    public void Turn_FanOut_CompletionsMayComeInAnyOrder()
    {
        var run = Rehearsal.Of(async context =>
            await Task.WhenAll(
                context.CallActivityAsync<string>("A"),
                context.CallActivityAsync<string>("B"),
                context.CallActivityAsync<string>("C")
            )
        );

        Assert.That(
            run.Start().Asked(),
            Is.EqualTo(new[] { "0:activity A", "1:activity B", "2:activity C" })
        );
        Assert.That(run.Turn(Happens.Completed(2, "\"c\"")).Actions, Is.Empty);
        var end = run.Turn(Happens.Completed(1, "\"b\""), Happens.Completed(0, "\"a\""));
        Assert.That(end.Outcome().Result, Is.EqualTo("""["a","b","c"]"""));
    }

    [Test]
    public void Turn_FirstOfSeveral_LaterOnesAreIgnored()
    {
        var run = Rehearsal.Of(async context =>
        {
            var first = await Task.WhenAny(
                context.CallActivityAsync<string>("A"),
                context.CallActivityAsync<string>("B")
            );
            var winner = await first;
            await context.CallActivityAsync("Tell", winner);
            return winner;
        });
        run.Start();

        var answer = run.Turn(Happens.Completed(1, "\"b\""));
        Assert.That(answer.Actions.Single().ScheduleTask.Input, Is.EqualTo("\"b\""));
        Assert.That(run.Turn(Happens.Completed(0, "\"a\"")).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Completed(2)).Outcome().Result, Is.EqualTo("\"b\""));
    }

    [Test]
    public void Turn_SameCompletionTwice_CountsOnce()
    {
        var run = Rehearsal.Of(async context =>
        {
            var first = await context.CallActivityAsync<int>("A");
            var second = await context.CallActivityAsync<int>("B");
            return first + second;
        });
        run.Start();
        run.Turn(Happens.Completed(0, "1"), Happens.Completed(0, "100"));

        Assert.That(
            run.Turn(Happens.Completed(0, "100"), Happens.Completed(1, "2")).Outcome().Result,
            Is.EqualTo("3")
        );
    }

    [Test]
    public void Turn_CompletionOfUnknownTask_IsIgnored()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("A"));
        run.Start();

        Assert.That(run.Turn(Happens.Completed(-1, "9"), Happens.Fired(-7)).Actions, Is.Empty);
        Assert.That(run.Turn(Happens.Completed(0, "1")).Outcome().Result, Is.EqualTo("1"));
    }

    [Test]
    public void Turn_CompletionBeforeItsTask_WaitsForIt()
    {
        var run = Rehearsal.Of(async context =>
            await context.CallActivityAsync<int>("A") + await context.CallActivityAsync<int>("B")
        );
        run.Start();

        var end = run.Turn(Happens.Completed(1, "2"), Happens.Completed(0, "1"));
        Assert.That(end.Outcome().Result, Is.EqualTo("3"));
    }

    [Test]
    public void Turn_ActivityFails_CodeCatchesWhatItThrew()
    {
        var run = Rehearsal.Of(async context =>
        {
            try
            {
                await context.CallActivityAsync("Capture");
                return "captured";
            }
            catch (WorkflowTaskFailedException failure)
                when (failure.FailureDetails.IsCausedBy<IOException>())
            {
                return failure.FailureDetails.ErrorMessage;
            }
        });
        run.Start();

        // A derived exception counts: IsCausedBy is what a catch clause would be.
        var end = run.Turn(Happens.Failed(0, typeof(FileNotFoundException).FullName!));
        Assert.That(end.Outcome().Result, Is.EqualTo("\"no luck\""));
    }

    [Test]
    public void Turn_FailureNobodyCatches_FailsTheWorkflowAndNamesTheCause()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("Capture"));
        run.Start();

        var outcome = run.Turn(Happens.Failed(0, "Souk.CardDeclined")).Outcome();

        Assert.That(outcome.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
        Assert.That(
            outcome.FailureDetails.ErrorType,
            Is.EqualTo(typeof(WorkflowTaskFailedException).FullName)
        );
        Assert.That(outcome.FailureDetails.InnerFailure.ErrorType, Is.EqualTo("Souk.CardDeclined"));
    }

    [Test]
    public void Turn_ResultOfAnotherType_FailsTheWorkflow()
    {
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("A"));
        run.Start();

        var outcome = run.Turn(Happens.Completed(0, "\"text\"")).Outcome();
        Assert.That(outcome.FailureDetails.ErrorType, Is.EqualTo("System.Text.Json.JsonException"));
    }

    [Test]
    public void Turn_TargetAppGiven_RoutesTheTask()
    {
        var options = new WorkflowTaskOptions(TargetAppId: "payments");
        var run = Rehearsal.Of(context => context.CallActivityAsync<int>("Capture", null, options));

        var action = run.Start().Actions.Single();
        Assert.That(action.Router.TargetAppID, Is.EqualTo("payments"));
        Assert.That(action.ScheduleTask.Router.TargetAppID, Is.EqualTo("payments"));
    }

    [Test]
    public void Turn_UnknownWorkflow_FailsAndSaysWhich()
    {
        var run = Rehearsal.Of(_ => Task.FromResult(1));

        var outcome = run.Turn(Happens.Started("Refund", null)).Outcome();
        Assert.That(outcome.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
        Assert.That(outcome.FailureDetails.ErrorMessage, Does.Contain("Refund"));
    }

    [Test]
    public void Turn_ParallelExtension_NeverExceedsItsBound()
    {
        var run = Rehearsal.Of(context =>
            context.ProcessInParallelAsync(
                new[] { 1, 2, 3 },
                number => context.CallActivityAsync<int>("Square", number),
                maxConcurrency: 2
            )
        );

        Assert.That(run.Start().Actions, Has.Count.EqualTo(2));
        Assert.That(run.Turn(Happens.Completed(1, "4")).Asked(), Is.EqualTo(new[] { "2:activity Square" }));
        var end = run.Turn(Happens.Completed(2, "9"), Happens.Completed(0, "1"));
        Assert.That(end.Outcome().Result, Is.EqualTo("[1,4,9]"));
    }
}
