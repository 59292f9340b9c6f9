using Souk.Ordering.V1;
using Souk.Payments.V1;

namespace Souk.Ordering;

/// <summary>What ordering learns from others' events.</summary>
internal sealed class OrderingEvents(CheckoutLauncher launcher, Outbox outbox) : IEventHandlers
{
    /// <inheritdoc />
    public void Subscribe(EventMap on) => on.On<PaymentUpdated>("payment.updated", FollowPaymentAsync);

    private Task FollowPaymentAsync(PaymentUpdated payment, EventContext context) =>
        !Guid.TryParse(payment.CheckoutId, out var orderId) ? Task.CompletedTask
        : payment.Status == PaymentStatus.Refunded ? NoteRefundAsync(orderId, context)
        : launcher.TellAsync(orderId, CheckoutWorkflow.PaymentUpdatedEvent, context.CancellationToken);

    /// <summary>Staff can refund a payment in payments itself; ordering hears of that only here.</summary>
    private async Task NoteRefundAsync(Guid orderId, EventContext context)
    {
        var now = context.Tx.Clock.GetUtcNow();
        var order = await context.Tx.OneAsync(
            NoteRefundSql,
            [orderId, now],
            OrderRows.Read,
            context.CancellationToken
        );
        // Nobody has heard of an order that is not confirmed yet.
        if (order is { Status: not OrderStatus.Pending })
            OrderEvents.Updated(outbox, context.Tx, order, now);
    }

    // An order without settled_at that is not pending has a refund workflow, which notes and publishes the
    // refund itself once the stock is back, too.
    private const string NoteRefundSql = $"""
        update orders set payment_status = 'refunded', updated_at = $2
         where id = $1 and (settled_at is not null or status = 'pending')
           and payment_status not in ('refunded', 'failed')
        returning {OrderRows.Columns}
        """;
}
