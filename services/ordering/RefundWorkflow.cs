using Dapr.Workflow;

namespace Souk.Ordering;

/// <summary>
/// Undoes a sale after a cancelled or returned order: the money first, as the buyer waits for it, then the
/// stock. The instance id is "refund-" and the order's UUID.
/// </summary>
internal sealed class RefundWorkflow : Workflow<Guid, bool>
{
    public override async Task<bool> RunAsync(WorkflowContext context, Guid input)
    {
        await context.CallActivityAsync<StepResult>(nameof(CancelPayment), input, CheckoutRetry.Forever);
        await context.CallActivityAsync<StepResult>(nameof(ReturnStock), input, CheckoutRetry.Forever);
        return await context.CallActivityAsync<bool>(nameof(CloseRefund), input, CheckoutRetry.Forever);
    }
}
