using Grpc.Core;
using Souk.Ordering.V1;

namespace Souk.Ordering;

internal sealed partial class OrderingService
{
    // Of a page's orders so many bytes fit into one message; the rest moves to the next page.
    private const int PageBytesMax = 2 * 1024 * 1024;
    private const int OrdersPerItemsQuery = 50;

    /// <inheritdoc />
    public override Task<Order> GetOrder(GetOrderRequest request, ServerCallContext context) =>
        VisibleOrderAsync(db, request.OrderId, context);

    /// <inheritdoc />
    public override async Task<ListOrdersResponse> ListOrders(
        ListOrdersRequest request,
        ServerCallContext context
    )
    {
        var caller = Caller.Of(context);
        // Only staff may name somebody else; for a buyer another's orders do not exist.
        if (request.UserId.Length > 0 && !caller.MaySee(request.UserId))
            return new ListOrdersResponse();
        var buyer = request.UserId.Length > 0 ? request.UserId : caller.UserId;
        var status = request.Status == OrderStatus.Unspecified ? null : OrderStates.Name(request.Status);
        var page = pages.Open(
            nameof(ListOrders),
            request.PageSize,
            request.PageToken,
            buyer,
            status,
            request.CreatedAfter,
            request.CreatedBefore
        );
        var orders = await db.ListAsync(
            ListOrdersSql,
            [
                buyer,
                status,
                request.CreatedAfter?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch,
                request.CreatedBefore?.ToDateTimeOffset() ?? DateTimeOffset.MaxValue,
                page.IsFirst ? DateTimeOffset.MaxValue : page.After<DateTimeOffset>(0),
                page.IsFirst ? Guid.AllBitsSet : page.After<Guid>(1),
                page.Limit,
            ],
            OrderRows.Read,
            context.CancellationToken
        );
        var response = new ListOrdersResponse { NextPageToken = page.Next(orders, PageKeys) };
        var fitting = await AddFittingItemsAsync(orders, context.CancellationToken);
        if (fitting < orders.Count)
            response.NextPageToken = page.After(PageKeys(orders[fitting - 1]));
        response.Orders.Add(orders.Take(fitting));
        return response;

        static object?[] PageKeys(Order order) =>
            [order.CreatedAt.ToDateTimeOffset(), Ids.Parse(OrderRows.OrderPrefix, order.OrderId)];
    }

    /// <summary>Fills in the items of as many orders as fit into a page, of the first whatever its
    /// size.</summary>
    private async Task<int> AddFittingItemsAsync(List<Order> orders, CancellationToken cancellationToken)
    {
        var bytes = 0;
        for (var i = 0; i < orders.Count; i++)
        {
            if (i % OrdersPerItemsQuery == 0)
            {
                var next = orders.GetRange(i, Math.Min(OrdersPerItemsQuery, orders.Count - i));
                await OrderRows.AddItemsAsync(db, next, cancellationToken);
            }

            bytes += orders[i].CalculateSize();
            if (i > 0 && bytes > PageBytesMax)
                return i;
        }

        return orders.Count;
    }

    private const string ListOrdersSql = $"""
        select {OrderRows.Columns}
          from orders
         where user_id = $1 and ($2::text is null or status = $2) and created_at >= $3 and created_at < $4
           and (created_at, id) < ($5, $6)
         order by created_at desc, id desc
         limit $7
        """;

    /// <inheritdoc />
    public override async Task<Order> CancelOrder(CancelOrderRequest request, ServerCallContext context)
    {
        var order = await VisibleOrderAsync(db, request.OrderId, context);
        if (request.WaitSeconds is < 0 or > WaitSecondsMax)
            throw Fault.InvalidArgument("wait_seconds", $"must be 0 to {WaitSecondsMax}");
        var id = Ids.Parse(OrderRows.OrderPrefix, order.OrderId);

        using var waiters = checkout.Signals.Listen(id);
        var workflow = await db.InTransactionAsync(
            tx => CancelAsync(tx, id, order),
            context.CancellationToken
        );
        if (workflow == "refund")
            await checkout.Launcher.StartRefundAsync(id, context.CancellationToken);
        else if (workflow == "checkout")
            await checkout.Launcher.TellAsync(id, CheckoutWorkflow.CancelledEvent, context.CancellationToken);

        var until = clock.GetUtcNow() + TimeSpan.FromSeconds(request.WaitSeconds);
        var isReached = waiters.HasReached(CheckoutStage.Final);
        while (
            until - clock.GetUtcNow() is var left
            && left > TimeSpan.Zero
            && await db.ScalarAsync<long>(OrderOpenSql, [id], context.CancellationToken) > 0
        )
        {
            isReached = await waiters.NextLookAsync(
                CheckoutStage.Final,
                isReached,
                left,
                context.CancellationToken
            );
        }

        return await VisibleOrderAsync(db, request.OrderId, context);
    }

    private const string OrderOpenSql = "select count(*) from orders where id = $1 and settled_at is null";

    /// <summary>Cancels in the transaction; the workflow that has to undo the sale, or null when there is
    /// nothing to do.</summary>
    private async Task<string?> CancelAsync(DbTransaction tx, Guid id, Order order)
    {
        var now = clock.GetUtcNow();
        // Both this and ShipOrder lock the order's row first, so that of the two one wins (ORD-13).
        var state =
            await tx.OneAsync(
                CancelOrderLockSql,
                [id],
                row => (Status: OrderStates.Parse(row.GetString(0)), Left: row.GetBoolean(1)),
                tx.CancellationToken
            ) ?? throw Fault.NotFound("order", order.OrderId);
        if (state.Status == OrderStatus.Cancelled)
            return null;
        if (
            state.Left || state.Status is OrderStatus.Shipped or OrderStatus.Delivered or OrderStatus.Returned
        )
            throw Fault.FailedPrecondition(Reason.AlreadyShipped, "The order has left; return it instead.");
        if (!OrderStates.Allows(state.Status, OrderStatus.Cancelled))
            throw BadTransition(state.Status, OrderStatus.Cancelled);

        var workflow = state.Status == OrderStatus.Pending ? "checkout" : "refund";
        tx.Defer(CancelOrderSql, [id, workflow, now]);
        order.Status = OrderStatus.Cancelled;
        OrderEvents.Updated(outbox, tx, order, now);
        OrderEvents.Mail(outbox, tx, order, "order_cancelled");
        OrderEvents.Count(outbox, tx, order, "order_cancelled", now);
        return workflow;
    }

    private const string CancelOrderLockSql = """
        select o.status,
               exists (select 1 from order_items i where i.order_id = o.id and i.status <> 'pending')
          from orders o
         where o.id = $1
           for update of o
        """;

    private const string CancelOrderSql = """
        update orders set status = 'cancelled', workflow = $2, settled_at = null, updated_at = $3
         where id = $1
        """;

    private static Exception BadTransition(OrderStatus from, OrderStatus to) =>
        Fault.FailedPrecondition(
            Reason.BadTransition,
            $"An order that is {OrderStates.Name(from)} cannot become {OrderStates.Name(to)}.",
            ("from", OrderStates.Name(from)),
            ("to", OrderStates.Name(to))
        );
}
