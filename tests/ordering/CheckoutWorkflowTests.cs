using Souk.Ordering;

namespace Souk.Tests.Ordering;

/// <summary>The saga's own decisions: which step follows which, and what is undone when one fails.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class CheckoutWorkflowTests
{
    private static readonly StepResult Failed = StepResult.Failed("SOME_REASON", "Sorry");

    [Test]
    [Description("ORD-06, K12: stock is taken before money, the cart is cleared last")]
    public async Task Checkout_AllGoesWell_TakesTheStepsInOrder()
    {
        var context = new ScriptedContext();
        var result = await RunAsync(context);
        Assert.That(result.Status, Is.EqualTo("confirmed"));
        Assert.That(
            context.Steps,
            Is.EqualTo(
                new[]
                {
                    "HoldStock",
                    "AuthorizePayment",
                    "CompleteHold",
                    "CapturePayment",
                    "ConfirmOrder",
                    "ClearCart",
                }
            )
        );
    }

    [TestCase("HoldStock", new string[0])]
    [TestCase("AuthorizePayment", new[] { "CancelPayment", "ReturnStock" })]
    [TestCase("CompleteHold", new[] { "CancelPayment", "ReturnStock" })]
    [TestCase("CapturePayment", new[] { "CancelPayment", "ReturnStock" })]
    [TestCase("ConfirmOrder", new[] { "CancelPayment", "ReturnStock" })]
    [Description("ORD-07: what was done is undone, last first")]
    public async Task Checkout_StepFailsForGood_UndoesWhatWasDone(string step, string[] undone)
    {
        var context = new ScriptedContext();
        context.Says(step, Failed);
        var result = await RunAsync(context);
        Assert.That(result.Status, Is.EqualTo("failed"));
        Assert.That(
            context.Steps.SkipWhile(taken => taken != step).Skip(1),
            Is.EqualTo(undone.Append("FailOrder"))
        );
        Assert.That(context.Failure, Is.EqualTo(Failed.Failure));
    }

    [TestCase("HoldStock", new[] { "ReturnStock" })]
    [TestCase("AuthorizePayment", new[] { "CancelPayment", "ReturnStock" })]
    [TestCase("CompleteHold", new[] { "CancelPayment", "ReturnStock" })]
    [Description("ORD-13: an earlier try of the step may have been taken before the buyer cancelled")]
    public async Task Checkout_CancelledOnTheWay_UndoesTheVeryStepToo(string step, string[] undone)
    {
        var context = new ScriptedContext();
        context.Says(step, CheckoutFaults.Cancelled);
        await RunAsync(context);
        Assert.That(
            context.Steps.SkipWhile(taken => taken != step).Skip(1),
            Is.EqualTo(undone.Append("FailOrder"))
        );
    }

    [Test]
    [Description("PAY-07: a payment that waits is looked at again until it has moved")]
    public async Task Checkout_PaymentWaitsThenMoves_GoesOn()
    {
        var context = new ScriptedContext();
        context.Says("AuthorizePayment", new StepResult(Waits: true), new StepResult(PaymentId: "pay_1"));
        var result = await RunAsync(context);
        Assert.That(result.Status, Is.EqualTo("confirmed"));
        Assert.That(context.Steps, Does.Contain("wait for payment-updated"));
    }

    [Test]
    [Description("PAY-07: nobody waits for a buyer for ever")]
    public async Task Checkout_PaymentNeverMoves_FailsWithPaymentActionTimeout()
    {
        var context = new ScriptedContext();
        context.Says("AuthorizePayment", new StepResult(Waits: true));
        var start = context.CurrentUtcDateTime;
        await RunAsync(context);
        Assert.That(context.Failure!.Reason, Is.EqualTo("PAYMENT_ACTION_TIMEOUT"));
        Assert.That(
            context.Steps.TakeLast(3),
            Is.EqualTo(new[] { "CancelPayment", "ReturnStock", "FailOrder" })
        );
        Assert.That(
            context.CurrentUtcDateTime - start,
            Is.LessThan(TimeSpan.FromMinutes(10)),
            "the hold is still there to be released"
        );
    }

    [Test]
    [Description("ORD-18")]
    public async Task Checkout_GracePeriod_WaitsBeforeAnythingIsTaken()
    {
        var context = new ScriptedContext();
        var start = context.CurrentUtcDateTime;
        var result = await RunAsync(context, graceSeconds: 60);
        Assert.That(result.Status, Is.EqualTo("confirmed"));
        Assert.That(
            context.Steps.Take(4),
            Is.EqualTo(new[] { "HoldStock", "AuthorizePayment", "wait for cancelled", "CompleteHold" })
        );
        Assert.That(context.CurrentUtcDateTime - start, Is.EqualTo(TimeSpan.FromSeconds(60)));
    }

    [Test]
    public async Task Refund_Runs_GivesMoneyBackBeforeStock()
    {
        var context = new ScriptedContext();
        Assert.That(await new RefundWorkflow().RunAsync(context, Guid.CreateVersion7()), Is.True);
        Assert.That(context.Steps, Is.EqualTo(new[] { "CancelPayment", "ReturnStock", "CloseRefund" }));
    }

    private static Task<CheckoutResult> RunAsync(ScriptedContext context, int graceSeconds = 0) =>
        new CheckoutWorkflow().RunAsync(context, new CheckoutInput(Guid.CreateVersion7(), graceSeconds));
}
