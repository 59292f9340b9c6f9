using Souk.Payments.V1;

namespace Souk.Ordering;

/// <summary>What ordering learns from others' events.</summary>
internal sealed class OrderingEvents(CheckoutLauncher launcher) : IEventHandlers
{
    /// <inheritdoc />
    public void Subscribe(EventMap on) => on.On<PaymentUpdated>("payment.updated", WakeCheckoutAsync);

    private async Task WakeCheckoutAsync(PaymentUpdated payment, EventContext context)
    {
        if (Guid.TryParse(payment.CheckoutId, out var orderId))
            await launcher.TellAsync(
                orderId,
                CheckoutWorkflow.PaymentUpdatedEvent,
                context.CancellationToken
            );
    }
}
