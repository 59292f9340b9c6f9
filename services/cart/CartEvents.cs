using Souk.Ordering.V1;

namespace Souk.Cart;

/// <summary>What cart learns from others' events.</summary>
internal sealed class CartEvents(TimeProvider clock) : IEventHandlers
{
    /// <inheritdoc />
    public void Subscribe(EventMap on) => on.On<OrderCreated>("order.created", CountCouponsAsync);

    // A coupon counts when its order is confirmed. Parallel checkouts may pass a limit by that much (CART-13
    // is to come).
    private async Task CountCouponsAsync(OrderCreated order, EventContext context)
    {
        if (order.Coupons.Count > 0)
            await context.Tx.ExecuteAsync(
                CountCouponsSql,
                [order.Coupons.ToArray(), order.OrderId, clock.GetUtcNow()],
                context.CancellationToken
            );
    }

    private const string CountCouponsSql = """
        with used as (
          insert into coupon_use (code, order_id, used_at)
          select code, $2, $3 from coupon where code = any($1)
              on conflict do nothing
          returning code
        )
        update coupon set used_count = used_count + 1 where code in (select code from used)
        """;
}
