using Grpc.Core;
using Souk.Cart.V1;
using Souk.Catalog.V1;

namespace Souk.Cart;

internal sealed partial class CartService
{
    private const string ItemPrefix = "item";

    /// <inheritdoc />
    public override async Task<V1.Cart> AddCartItem(AddCartItemRequest request, ServerCallContext context)
    {
        CheckQuantity(request.Quantity, "quantity");
        if (request.RequestId.Length > 0 && !Guid.TryParse(request.RequestId, out _))
            throw Fault.InvalidArgument("request_id", "must be a UUID");

        var offers = await OffersAsync([request.Sku], Mesh.Call(context, CatalogTimeout));
        var offer = Purchasable(offers, request.Sku);
        CheckProduct(offer, request.ProductId);

        var now = carts.Now;
        var itemId = carts.NewId(ItemPrefix);
        var what = $"add {request.RequestId} {request.Sku} {request.Quantity}";
        return await ChangeAsync(
            context,
            cart =>
            {
                if (request.RequestId.Length == 0)
                    return CartChanges.Add(cart, offer, request.Quantity, itemId, now);
                if (CartChanges.WasDone(cart, what))
                    return cart;
                if (
                    cart.Done.Any(done =>
                        done.StartsWith($"add {request.RequestId} ", StringComparison.Ordinal)
                    )
                )
                    throw Fault.Aborted(
                        Type.Reason.IdempotencyMismatch,
                        "The Idempotency-Key was used before with another item."
                    );
                return CartChanges.MarkDone(
                    CartChanges.Add(cart, offer, request.Quantity, itemId, now),
                    what
                );
            }
        );
    }

    /// <inheritdoc />
    public override Task<V1.Cart> UpdateCartItem(UpdateCartItemRequest request, ServerCallContext context)
    {
        if (request.Quantity < 0)
            throw Fault.InvalidArgument("quantity", $"must be 0 to {CartChanges.QuantityMax}");
        if (request.Quantity > CartChanges.QuantityMax)
            throw CartChanges.TooMany();
        return ChangeAsync(context, cart => CartChanges.SetQuantity(cart, request.ItemId, request.Quantity));
    }

    /// <inheritdoc />
    public override Task<V1.Cart> RemoveCartItem(RemoveCartItemRequest request, ServerCallContext context) =>
        ChangeAsync(context, cart => CartChanges.Remove(cart, request.ItemId));

    /// <inheritdoc />
    public override Task<V1.Cart> SaveCartItem(SaveCartItemRequest request, ServerCallContext context) =>
        ChangeAsync(context, cart => CartChanges.Save(cart, request.ItemId));

    /// <inheritdoc />
    public override async Task<V1.Cart> RestoreCartItem(
        RestoreCartItemRequest request,
        ServerCallContext context
    )
    {
        var cart = await carts.GetAsync(Caller.Of(context).UserId, context.CancellationToken);
        if (cart.Items.Any(line => line.ItemId == request.ItemId))
            return ToProto(cart);
        var saved =
            cart.SavedItems.FirstOrDefault(line => line.ItemId == request.ItemId)
            ?? throw Fault.NotFound("cart item", request.ItemId);
        var offer = Purchasable(
            await OffersAsync([saved.Sku], Mesh.Call(context, CatalogTimeout)),
            saved.Sku
        );
        var now = carts.Now;
        return await ChangeAsync(
            context,
            current => CartChanges.Restore(current, request.ItemId, offer, now)
        );
    }

    /// <inheritdoc />
    public override async Task<V1.Cart> MergeCart(MergeCartRequest request, ServerCallContext context)
    {
        var guest = await tokens.VerifyAsync(request.GuestToken, context.CancellationToken);
        if (!guest.Has(Options.V1.Role.Guest))
            throw Fault.Unauthenticated(Type.Reason.TokenInvalid, "The token is not a guest's.");
        var guestCart = await carts.GetAsync(guest.UserId, context.CancellationToken);
        var what = $"merge {guest.UserId}";
        var merged = await ChangeAsync(
            context,
            cart =>
                guestCart.IsEmpty || CartChanges.WasDone(cart, what)
                    ? cart
                    : CartChanges.MarkDone(CartChanges.Merge(cart, guestCart), what)
        );
        // After the merge is safe: a call that is cut off in between merges nothing twice when it is
        // repeated.
        await carts.DeleteAsync(guest.UserId, context.CancellationToken);
        return merged;
    }

    private static void CheckQuantity(int quantity, string field)
    {
        if (quantity < 1)
            throw Fault.InvalidArgument(field, $"must be 1 to {CartChanges.QuantityMax}");
        if (quantity > CartChanges.QuantityMax)
            throw CartChanges.TooMany();
    }

    private static void CheckProduct(Offer offer, string productId)
    {
        if (productId.Length > 0 && productId != offer.ProductId)
            throw Fault.NotFound("SKU of this product", offer.Sku);
    }
}
