using System.Text.Json;
using Souk.Ordering.V1;

namespace Souk.Ordering;

/// <summary>
/// The changes that a checkout makes to its order. Each is a compare-and-set on the status, so a step that
/// runs twice, or beside a buyer who cancels, changes the order once; the events commit with it.
/// </summary>
internal sealed class CheckoutOrders(Db db, Outbox outbox, CheckoutSignals signals, TimeProvider clock)
{
    private const int DeliveryDays = 5;

    /// <summary>What a step needs of the order.</summary>
    public async Task<CheckoutOrder> GetAsync(Guid id, CancellationToken cancellationToken) =>
        await db.OneAsync(
            GetCheckoutOrderSql,
            [id],
            row => new CheckoutOrder(
                id,
                row.GetString(0),
                OrderStates.Parse(row.GetString(1)),
                new Shared.Money(row.GetInt64(2), Currency.Of(row.GetString(3))),
                row.GetString(4),
                row.GetString(5),
                row.GetString(6),
                row.GetFieldValue<string[]>(7),
                row.GetFieldValue<string[]>(8),
                row.GetFieldValue<int[]>(9)
            ),
            cancellationToken
        ) ?? throw new InvalidOperationException($"There is no order {id}.");

    private const string GetCheckoutOrderSql = """
        select o.user_id, o.status, o.total_minor, o.currency, o.payment_method, o.payment_token,
               o.shipping_address ->> 'country', o.coupons, array_agg(i.sku order by i.line),
               array_agg(i.quantity order by i.line)
          from orders o
          join order_items i on i.order_id = o.id
         where o.id = $1
         group by o.id
        """;

    /// <summary>Shows the buyer what the payment asks of them.</summary>
    public async Task ShowPaymentAsync(
        Guid id,
        string paymentId,
        string actionUrl,
        CancellationToken cancellationToken
    )
    {
        await db.ExecuteAsync(
            ShowPaymentSql,
            [id, paymentId, actionUrl, clock.GetUtcNow()],
            cancellationToken
        );
        signals.Reached(id, CheckoutStage.Final);
    }

    private const string ShowPaymentSql = """
        update orders set payment_id = $2, payment_action_url = $3, updated_at = $4
         where id = $1 and status = 'pending'
        """;

    /// <summary>Confirms a pending order; false when it was cancelled before.</summary>
    public async Task<bool> ConfirmAsync(Guid id, string paymentId, CancellationToken cancellationToken)
    {
        var confirmed = await db.InTransactionAsync(
            async tx =>
            {
                var now = clock.GetUtcNow();
                var delivery = DateOnly.FromDateTime(now.UtcDateTime).AddDays(DeliveryDays);
                var order = await tx.OneAsync(
                    ConfirmOrderSql,
                    [id, paymentId, delivery, now],
                    OrderRows.Read,
                    cancellationToken
                );
                if (order is null)
                {
                    var status = await tx.ScalarAsync<string>(OrderStatusSql, [id], cancellationToken);
                    return status != OrderStates.Name(OrderStatus.Cancelled);
                }

                await OrderRows.AddItemsAsync(tx, order, cancellationToken);
                // ORD-09: one logical event per confirmed order, as the compare-and-set succeeds once.
                OrderEvents.Created(outbox, tx, order, now);
                return true;
            },
            cancellationToken
        );
        signals.Reached(id, CheckoutStage.Final);
        return confirmed;
    }

    // A payment that staff gave back meanwhile stays refunded.
    private const string ConfirmOrderSql = $"""
        update orders
           set status = 'confirmed', payment_id = $2, payment_action_url = '', payment_token = '',
               payment_status = case when payment_status = 'refunded' then 'refunded'
                                     when payment_method = 'cod' then 'pending_cod'
                                     else 'completed' end,
               estimated_delivery = $3, settled_at = $4, updated_at = $4
         where id = $1 and status = 'pending'
        returning {OrderRows.Columns}
        """;

    private const string OrderStatusSql = "select status from orders where id = $1";

    /// <summary>
    /// Ends a checkout that did not become a sale, when everything is undone: a pending order has failed; one
    /// that the buyer cancelled stays cancelled and its refund is through.
    /// </summary>
    public async Task<CheckoutResult> FailAsync(
        Guid id,
        StepFailure failure,
        CancellationToken cancellationToken
    )
    {
        var status = await db.InTransactionAsync(
            async tx =>
            {
                var now = clock.GetUtcNow();
                var failed = await tx.ExecuteAsync(
                    FailOrderSql,
                    [id, failure.Reason, failure.Message, Json(failure.Metadata), now],
                    cancellationToken
                );
                if (failed == 0)
                {
                    tx.Defer(SettleCancelledSql, [id, now]);
                    return await tx.ScalarAsync<string>(OrderStatusSql, [id], cancellationToken);
                }

                var order =
                    await OrderRows.GetAsync(tx, id, cancellationToken)
                    ?? throw new InvalidOperationException($"There is no order {id}.");
                OrderEvents.Count(outbox, tx, order, "order_failed", now);
                return OrderStates.Name(OrderStatus.Failed);
            },
            cancellationToken
        );
        signals.Reached(id, CheckoutStage.Final);
        return new CheckoutResult(status ?? "", failure);
    }

    private const string FailOrderSql = """
        update orders
           set status = 'failed', payment_status = 'failed', payment_action_url = '', payment_token = '',
               failure_reason = $2, failure_message = $3, failure_metadata = $4::jsonb,
               settled_at = $5, updated_at = $5
         where id = $1 and status = 'pending'
        """;

    private const string SettleCancelledSql = """
        update orders
           set payment_status = 'failed', payment_action_url = '', payment_token = '', settled_at = $2,
               updated_at = $2
         where id = $1 and status = 'cancelled' and settled_at is null
        """;

    /// <summary>Notes that the money of a cancelled or returned order is back and its stock too.</summary>
    public async Task<bool> CloseRefundAsync(Guid id, CancellationToken cancellationToken)
    {
        var closed = await db.InTransactionAsync(
            async tx =>
            {
                var now = clock.GetUtcNow();
                var changed = await tx.ExecuteAsync(CloseRefundSql, [id, now], cancellationToken);
                if (changed == 1 && await OrderRows.GetAsync(tx, id, cancellationToken) is { } order)
                    OrderEvents.Updated(outbox, tx, order, now);
                return changed == 1;
            },
            cancellationToken
        );
        signals.Reached(id, CheckoutStage.Final);
        return closed;
    }

    // Cash that was never collected is no refund.
    private const string CloseRefundSql = """
        update orders
           set payment_status = case when payment_status = 'pending_cod' then 'failed' else 'refunded' end,
               settled_at = $2, updated_at = $2
         where id = $1 and status in ('cancelled', 'returned') and settled_at is null
        """;

    private static string Json(IReadOnlyDictionary<string, string> metadata) =>
        JsonSerializer.Serialize(metadata);
}

/// <summary>What a step of the checkout needs of its order.</summary>
internal sealed record CheckoutOrder(
    Guid Id,
    string UserId,
    OrderStatus Status,
    Shared.Money Total,
    string PaymentMethod,
    string PaymentToken,
    string Country,
    string[] Coupons,
    string[] Skus,
    int[] Quantities
)
{
    /// <summary>The order's id on the wire.</summary>
    public string WireId => Ids.Text(OrderRows.OrderPrefix, Id);

    /// <summary>The key of the order's hold and of its payment: its UUID.</summary>
    public string Key => Id.ToString();
}
