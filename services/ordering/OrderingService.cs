using Grpc.Core;
using Souk.Cart.V1;
using Souk.Options.V1;
using Souk.Ordering.V1;

namespace Souk.Ordering;

/// <summary>Orders and their checkout. The RPCs are in the partial files, by topic.</summary>
internal sealed partial class OrderingService(
    Db db,
    Outbox outbox,
    RequestIds requestIds,
    PageTokens pages,
    OrderingService.Checkout checkout,
    TimeProvider clock
) : V1.OrderingService.OrderingServiceBase
{
    /// <summary>What placing an order needs beside the database.</summary>
    internal sealed record Checkout(
        CartService.CartServiceClient Carts,
        Souk.Payments.V1.PaymentsService.PaymentsServiceClient Payments,
        Mesh Mesh,
        CheckoutLauncher Launcher,
        CheckoutSignals Signals
    );

    /// <summary>The order, when the caller may know of it; otherwise NOT_FOUND, as for one that does not
    /// exist .</summary>
    private static async Task<Order> VisibleOrderAsync(
        DbQueries queries,
        string orderId,
        ServerCallContext context
    )
    {
        var order = await OrderRows.GetAsync(
            queries,
            Ids.Parse(OrderRows.OrderPrefix, orderId),
            context.CancellationToken
        );
        var caller = Caller.Of(context);
        return order is not null && (caller.Has(Role.Buyer) || caller.IsStaff) && caller.MaySee(order.UserId)
            ? order
            : throw Fault.NotFound("order", orderId);
    }
}
