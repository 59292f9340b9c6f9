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
        var now = carts.Now;
        var mark = request.RequestId.Length == 0 ? null : Marks.Of(RequestIdOf(request), request, now);
        var offers = await OffersAsync([request.Sku], Mesh.Call(context, CatalogTimeout));
        var itemId = carts.NewId(ItemPrefix);
        return await ChangeAsync(
            context,
            cart =>
            {
                // Before anything is said about the offer: a repeat is no worse for what became of it since.
                if (mark is not null && Marks.Has(cart, mark))
                    return cart;
                var offer = Purchasable(offers, request.Sku);
                CheckProduct(offer, request.ProductId);
                var added = CartChanges.Add(cart, offer, request.Quantity, itemId, now);
                return mark is null ? added : Marks.Put(added, mark);
            }
        );
    }

    private static Guid RequestIdOf(AddCartItemRequest request) =>
        Guid.TryParse(request.RequestId, out var id)
            ? id
            : throw Fault.InvalidArgument("request_id", "must be a UUID");

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
        var buyer = Caller.Of(context).UserId;
        return ToProto(await guests.MoveAsync(request.GuestToken, buyer, context.CancellationToken));
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
