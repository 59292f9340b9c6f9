using Dapr.Workflow;
using Souk.Ordering.V1;

namespace Souk.Ordering;

/// <summary>
/// The saga of a checkout. It starts from a pending order whose prices were checked, and ends with the order
/// confirmed (charged once, stock taken once), failed or cancelled (net charge 0, stock back); there is no
/// other end (ORD-08).
///
/// Every step is idempotent by the order's UUID, throws while it may still succeed and is then tried again
/// for ever, and returns a failure once it never can. Undoing runs in the reverse order of what was done.
/// </summary>
internal sealed class CheckoutWorkflow : Workflow<CheckoutInput, CheckoutResult>
{
    /// <summary>Raised when a payment that waited has moved on.</summary>
    public const string PaymentUpdatedEvent = "payment-updated";

    /// <summary>Raised when the buyer cancelled while the checkout was under way.</summary>
    public const string CancelledEvent = "cancelled";

    public override async Task<CheckoutResult> RunAsync(WorkflowContext context, CheckoutInput input)
    {
        var run = new Run(context, input);
        var failure =
            await run.StepAsync(nameof(HoldStock), undo: nameof(ReturnStock))
            ?? await run.PayAsync()
            ?? await run.GraceAsync()
            // Held stock is sold before the money is taken: a hold that lapsed in between could go to another
            // (K12).
            ?? await run.StepAsync(nameof(CompleteHold))
            ?? await run.StepAsync(nameof(CapturePayment))
            ?? await run.ConfirmAsync();
        if (failure is not null)
            return await run.UndoAsync(failure);
        await run.StepAsync(nameof(ClearCart));
        return new CheckoutResult(OrderStates.Name(OrderStatus.Confirmed));
    }

    /// <summary>One run's memory: what was done and how to undo it. Rebuilt from the history on every
    /// turn.</summary>
    private sealed class Run(WorkflowContext context, CheckoutInput input)
    {
        // The stock is held for 10 minutes (INV-03); the buyer's part must be over a little earlier.
        private static readonly TimeSpan PaymentPatience = TimeSpan.FromMinutes(9);
        private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

        private readonly Stack<string> _undo = new();
        private string _paymentId = "";

        /// <summary>Takes a step. One that was refused for good has done nothing, so it needs no undoing; but
        /// one that ended because the buyer cancelled may have been taken by an earlier try, whose answer was
        /// lost.</summary>
        public async Task<StepFailure?> StepAsync(string step, string? undo = null)
        {
            var result = await CallAsync<StepResult>(step, input.OrderId);
            if (undo is not null && result.Failure is null or { Reason: Reasons.OrderCancelled })
                _undo.Push(undo);
            return result.Failure;
        }

        /// <summary>Authorises the payment, and waits while it needs the buyer or the provider's lost
        /// answer.</summary>
        public async Task<StepFailure?> PayAsync()
        {
            // Undone whatever comes of it: a payment that waits may still be authorised while we give up.
            _undo.Push(nameof(CancelPayment));
            var until = context.CurrentUtcDateTime + PaymentPatience;
            while (true)
            {
                var result = await CallAsync<StepResult>(nameof(AuthorizePayment), input.OrderId);
                _paymentId = result.PaymentId;
                if (!result.Waits)
                    return result.Failure;
                if (context.CurrentUtcDateTime >= until)
                    return PaymentTimeout;
                await NextAsync(PaymentUpdatedEvent, LookAgain);
            }
        }

        /// <summary>ORD-18: the buyer may still cancel at no cost. Whether they did, the next step finds
        /// out.</summary>
        public async Task<StepFailure?> GraceAsync()
        {
            if (input.GraceSeconds > 0)
                await NextAsync(CancelledEvent, TimeSpan.FromSeconds(input.GraceSeconds));
            return null;
        }

        public async Task<StepFailure?> ConfirmAsync()
        {
            var confirm = new ConfirmOrderInput(input.OrderId, _paymentId);
            return (await CallAsync<StepResult>(nameof(ConfirmOrder), confirm)).Failure;
        }

        /// <summary>Undoes what was done, last first, and ends the order.</summary>
        public async Task<CheckoutResult> UndoAsync(StepFailure failure)
        {
            while (_undo.TryPop(out var compensation))
                await CallAsync<StepResult>(compensation, input.OrderId);
            return await CallAsync<CheckoutResult>(
                nameof(FailOrder),
                new FailOrderInput(input.OrderId, failure)
            );
        }

        private async Task NextAsync(string eventName, TimeSpan timeout)
        {
            try
            {
                await context.WaitForExternalEventAsync<string>(eventName, timeout);
            }
            catch (TaskCanceledException)
            {
                // Nobody called: look for ourselves.
            }
        }

        private Task<T> CallAsync<T>(string activity, object argument) =>
            context.CallActivityAsync<T>(activity, argument, CheckoutRetry.Forever);
    }

    private static readonly StepFailure PaymentTimeout = new(
        Reasons.PaymentActionTimeout,
        "Payment Failed: it was not completed in time.",
        new Dictionary<string, string>()
    );
}

/// <summary>How a step that may still succeed is tried again.</summary>
internal static class CheckoutRetry
{
    /// <summary>
    /// Durably and without end, from a fifth of a second up to five seconds apart: giving up would leave
    /// money or stock in between, which is worse than a late answer.
    /// </summary>
    public static readonly WorkflowTaskOptions Forever = new(
        new WorkflowRetryPolicy(
            maxNumberOfAttempts: int.MaxValue,
            firstRetryInterval: TimeSpan.FromMilliseconds(200),
            backoffCoefficient: 2,
            maxRetryInterval: TimeSpan.FromSeconds(5)
        )
    );
}
