using Grpc.Core;
using Souk.Cart.V1;

namespace Souk.Cart;

internal sealed partial class CartService
{
    /// <inheritdoc />
    public override async Task<V1.Cart> ApplyCoupon(ApplyCouponRequest request, ServerCallContext context)
    {
        var code = request.Code.Trim().ToUpperInvariant();
        var coupon =
            await coupons.FindAsync(code, context.CancellationToken) ?? throw Fault.NotFound("coupon", code);
        if (coupon.ProblemAt(carts.Now) is { } reason)
            throw Fault.FailedPrecondition(
                reason,
                reason == Reason.CouponExpired
                    ? $"{code} is not valid at this time."
                    : $"{code} was used as often as it may be.",
                ("code", code)
            );
        return await ChangeAsync(context, cart => CartChanges.AddCoupon(cart, code));
    }

    /// <inheritdoc />
    public override Task<V1.Cart> RemoveCoupon(RemoveCouponRequest request, ServerCallContext context) =>
        ChangeAsync(context, cart => CartChanges.RemoveCoupon(cart, request.Code.Trim().ToUpperInvariant()));
}
