using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Souk.Ordering.V1;
using Souk.Payments.V1;

namespace Souk.Ordering;

internal sealed partial class OrderingService
{
    /// <inheritdoc />
    public override Task<Order> ShipOrder(ShipOrderRequest request, ServerCallContext context) =>
        OnceAsync(request, request.RequestId, context, tx => ShipAsync(tx, request, context));

    private async Task<Order> ShipAsync(DbTransaction tx, ShipOrderRequest request, ServerCallContext context)
    {
        var order = await LockedOrderAsync(tx, request.OrderId, context);
        if (order.Status != OrderStatus.Confirmed)
            throw BadTransition(order.Status, OrderStatus.Shipped);
        var now = clock.GetUtcNow();
        var id = Ids.Parse(OrderRows.OrderPrefix, order.OrderId);
        var known = order.Items.Select(item => item.OrderItemId).ToHashSet();
        if (request.OrderItemIds.FirstOrDefault(itemId => !known.Contains(itemId)) is { } unknown)
            throw Fault.NotFound("order item", unknown);

        var leaving = request.OrderItemIds.Count == 0 ? known : request.OrderItemIds.ToHashSet();
        await tx.ExecuteAsync(
            ShipOrderItemsSql,
            [
                id,
                leaving.Select(itemId => Ids.Parse(OrderRows.ItemPrefix, itemId)).ToArray(),
                request.TrackingNumber,
                now,
            ],
            context.CancellationToken
        );
        // ORD-12: the order has left once all of its items have.
        var shipped = await tx.ExecuteAsync(ShipOrderSql, [id, now], context.CancellationToken) == 1;
        var result = await LockedOrderAsync(tx, request.OrderId, context);
        if (shipped)
        {
            OrderEvents.Updated(outbox, tx, result, now);
            OrderEvents.Mail(outbox, tx, result, "order_shipped");
        }

        return result;
    }

    private const string ShipOrderItemsSql = """
        with parcel as (
          select coalesce(nullif($3, ''), 'TR' || nextval('tracking_number')) as number
        )
        update order_items
           set status = 'shipped', tracking_number = parcel.number, shipped_at = $4
          from parcel
         where order_id = $1 and id = any($2) and status = 'pending'
        """;

    private const string ShipOrderSql = """
        update orders o set status = 'shipped', shipped_at = $2, updated_at = $2
         where o.id = $1 and o.status = 'confirmed'
           and not exists (select 1 from order_items i where i.order_id = o.id and i.status = 'pending')
        """;

    /// <inheritdoc />
    public override async Task<Order> DeliverOrder(DeliverOrderRequest request, ServerCallContext context)
    {
        var order = await VisibleOrderAsync(db, request.OrderId, context);
        if (order.Status == OrderStatus.Delivered)
            return order;
        if (order.Status != OrderStatus.Shipped)
            throw BadTransition(order.Status, OrderStatus.Delivered);
        var id = Ids.Parse(OrderRows.OrderPrefix, order.OrderId);
        // Collected before the status: whoever repeats a call that was cut off collects nothing twice
        // (PAY-05). Where there is nothing to pay there is no payment.
        if (order.PaymentMethod == "cod" && order.Total.MinorUnits > 0)
        {
            await checkout.Payments.CollectPaymentAsync(
                new CollectPaymentRequest { CheckoutId = id.ToString() },
                await checkout.Mesh.AsServiceAsync(CheckoutFaults.CallTimeout, context.CancellationToken)
            );
        }

        return await AdvanceAsync(request.OrderId, [OrderStatus.Delivered], DeliverOrderSql, context);
    }

    private const string DeliverOrderSql = """
        with delivered as (
          update orders
             set status = 'delivered', delivered_at = $2, updated_at = $2,
                 payment_status =
                   case payment_status when 'pending_cod' then 'completed' else payment_status end
           where id = $1 and status = 'shipped'
          returning id
        )
        update order_items set status = 'delivered' where order_id in (select id from delivered)
        """;

    /// <inheritdoc />
    public override Task<Order> ReturnOrder(ReturnOrderRequest request, ServerCallContext context) =>
        TakeBackAsync(request.OrderId, [OrderStatus.Returned], ReturnOrderSql, context);

    private const string ReturnOrderSql = """
        with returned as (
          update orders set status = 'returned', workflow = 'refund', settled_at = null, updated_at = $2
           where id = $1 and status = 'delivered'
          returning id
        )
        update order_items set status = 'returned' where order_id in (select id from returned)
        """;

    /// <inheritdoc />
    public override Task<Order> RefuseDelivery(RefuseDeliveryRequest request, ServerCallContext context) =>
        TakeBackAsync(
            request.OrderId,
            [OrderStatus.Delivered, OrderStatus.Returned],
            RefuseDeliverySql,
            context
        );

    private const string RefuseDeliverySql = """
        with refused as (
          update orders set status = 'returned', workflow = 'refund', settled_at = null, updated_at = $2
           where id = $1 and status = 'shipped'
          returning id
        )
        update order_items set status = 'returned' where order_id in (select id from refused)
        """;

    private async Task<Order> TakeBackAsync(
        string orderId,
        OrderStatus[] way,
        string sql,
        ServerCallContext context
    )
    {
        var order = await AdvanceAsync(orderId, way, sql, context);
        var id = Ids.Parse(OrderRows.OrderPrefix, order.OrderId);
        // A repeat that comes after the refund is through has nothing to start.
        if (await db.ScalarAsync<long>(OrderOpenSql, [id], context.CancellationToken) > 0)
            await checkout.Launcher.StartRefundAsync(id, context.CancellationToken);
        return order;
    }

    /// <summary>Moves an order on its way, each step of which the state machine must allow; one that has come
    /// to the end of it already stays as it is.</summary>
    private Task<Order> AdvanceAsync(
        string orderId,
        OrderStatus[] way,
        string sql,
        ServerCallContext context
    ) =>
        db.InTransactionAsync(
            async tx =>
            {
                var order = await LockedOrderAsync(tx, orderId, context);
                var status = order.Status;
                if (status == way[^1])
                    return order;
                foreach (var next in way)
                {
                    if (!OrderStates.Allows(status, next))
                        throw BadTransition(status, next);
                    status = next;
                }

                var now = clock.GetUtcNow();
                await tx.ExecuteAsync(
                    sql,
                    [Ids.Parse(OrderRows.OrderPrefix, orderId), now],
                    context.CancellationToken
                );
                var result = await LockedOrderAsync(tx, orderId, context);
                OrderEvents.Updated(outbox, tx, result, now);
                return result;
            },
            context.CancellationToken
        );

    /// <inheritdoc />
    public override Task<Order> SetEstimatedDelivery(
        SetEstimatedDeliveryRequest request,
        ServerCallContext context
    )
    {
        var now = clock.GetUtcNow();
        var isDay = DateOnly.TryParseExact(
            request.EstimatedDelivery,
            "yyyy-MM-dd",
            CultureInfo.InvariantCulture,
            DateTimeStyles.None,
            out var day
        );
        if (!isDay || day < DateOnly.FromDateTime(now.UtcDateTime))
            throw Fault.InvalidArgument(
                "estimated_delivery",
                "must be a day from today on, such as 2026-11-25"
            );
        return OnceAsync(
            request,
            request.RequestId,
            context,
            async tx =>
            {
                var order = await LockedOrderAsync(tx, request.OrderId, context);
                if (order.Status is not (OrderStatus.Confirmed or OrderStatus.Shipped))
                    throw BadTransition(order.Status, order.Status);
                await tx.ExecuteAsync(
                    SetEstimatedDeliverySql,
                    [Ids.Parse(OrderRows.OrderPrefix, order.OrderId), day, now],
                    context.CancellationToken
                );
                var result = await LockedOrderAsync(tx, request.OrderId, context);
                // ORD-16: a promise never moves in silence.
                if (result.EstimatedDelivery != order.EstimatedDelivery)
                    OrderEvents.Updated(outbox, tx, result, now);
                return result;
            }
        );
    }

    private const string SetEstimatedDeliverySql = """
        update orders set estimated_delivery = $2, updated_at = $3 where id = $1
        """;

    /// <inheritdoc />
    public override async Task<Tracking> GetTracking(GetTrackingRequest request, ServerCallContext context)
    {
        var order = await VisibleOrderAsync(db, request.OrderId, context);
        var shippedAt = await db.ListAsync(
            GetTrackingSql,
            [Ids.Parse(OrderRows.OrderPrefix, order.OrderId)],
            row => (Number: row.GetString(0), At: row.Timestamp(1)),
            context.CancellationToken
        );
        var tracking = new Tracking
        {
            OrderId = order.OrderId,
            Status = order.Status,
            EstimatedDelivery = order.EstimatedDelivery,
        };
        foreach (var (number, at) in shippedAt)
        {
            var shipment = new Shipment { TrackingNumber = number, ShippedAt = at };
            shipment.Items.Add(order.Items.Where(item => item.TrackingNumber == number));
            tracking.Shipments.Add(shipment);
        }

        return tracking;
    }

    private const string GetTrackingSql = """
        select tracking_number, min(shipped_at)
          from order_items
         where order_id = $1 and tracking_number <> ''
         group by tracking_number
         order by min(shipped_at), tracking_number
         limit 200
        """;

    /// <summary>
    /// Runs a change once per key. The key is the caller's choice: without one a repeat finds the order
    /// moved on.
    /// </summary>
    private Task<Order> OnceAsync(
        IMessage request,
        string requestId,
        ServerCallContext context,
        Func<DbTransaction, Task<Order>> change
    ) =>
        requestId.Length > 0
            ? requestIds.RunAsync(request, context, change)
            : db.InTransactionAsync(change, context.CancellationToken);

    /// <summary>The order with its row locked until the transaction ends.</summary>
    private static async Task<Order> LockedOrderAsync(
        DbTransaction tx,
        string orderId,
        ServerCallContext context
    )
    {
        var id = Ids.Parse(OrderRows.OrderPrefix, orderId);
        await tx.ExecuteAsync(OrderLockSql, [id], context.CancellationToken);
        return await VisibleOrderAsync(tx, orderId, context);
    }

    private const string OrderLockSql = "select 1 from orders where id = $1 for update";
}
