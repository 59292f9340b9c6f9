using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Cart.V1;
using Souk.Catalog.V1;
using Reason = Souk.Cart.V1.Reason;

namespace Souk.Cart;

/// <summary>Carts and what they cost. The RPCs are in the partial files, by topic.</summary>
internal sealed partial class CartService(
    CartStore carts,
    GuestCarts guests,
    Coupons coupons,
    Pricing pricing,
    Mesh mesh,
    CatalogService.CatalogServiceClient catalog
) : V1.CartService.CartServiceBase
{
    private static readonly TimeSpan CatalogTimeout = TimeSpan.FromSeconds(3);

    /// <inheritdoc />
    public override async Task<V1.Cart> GetCart(GetCartRequest request, ServerCallContext context) =>
        ToProto(await carts.GetAsync(Caller.Of(context).UserId, context.CancellationToken));

    private async Task<V1.Cart> ChangeAsync(
        ServerCallContext context,
        Func<CartDocument, CartDocument> change
    ) => ToProto(await carts.ChangeAsync(Caller.Of(context).UserId, change, context.CancellationToken));

    /// <summary>Today's offers of these SKUs. A SKU that no product has is left out.</summary>
    private async Task<Dictionary<string, Offer>> OffersAsync(IEnumerable<string> skus, CallOptions options)
    {
        var request = new BatchGetOffersRequest();
        request.Skus.Add(skus.Where(sku => sku.Length > 0).Distinct());
        if (request.Skus.Count == 0)
            return [];
        var response = await catalog.BatchGetOffersAsync(request, options);
        return response.Offers.ToDictionary(offer => offer.Sku);
    }

    /// <summary>The offer of a SKU or product that can be bought, or the error that says why it
    /// cannot.</summary>
    private static Offer Purchasable(IReadOnlyDictionary<string, Offer> offers, string key)
    {
        var offer = offers.GetValueOrDefault(key) ?? throw Fault.NotFound("SKU", key);
        CheckSeller(offer);
        return offer.Purchasable
            ? offer
            : throw Fault.FailedPrecondition(
                Reason.ProductUnavailable,
                $"{offer.Sku} is not on sale at the moment.",
                ("sku", offer.Sku)
            );
    }

    private static void CheckSeller(Offer offer)
    {
        if (offer.SellerInactive)
            throw Fault.FailedPrecondition(
                Reason.SellerInactive,
                $"The seller of {offer.Sku} does not sell at the moment.",
                ("sku", offer.Sku),
                ("seller_id", offer.SellerId)
            );
    }

    private static V1.Cart ToProto(CartDocument cart)
    {
        var proto = new V1.Cart
        {
            UserId = cart.UserId,
            Currency = cart.Currency,
            UpdatedAt = cart.UpdatedAt is { } at ? Timestamp.FromDateTimeOffset(at) : null,
            ExpiresAt = cart.ExpiresAt is { } end ? Timestamp.FromDateTimeOffset(end) : null,
        };
        proto.Items.Add(cart.Items.Select(ToProto));
        proto.Coupons.Add(cart.Coupons);
        proto.SavedItems.Add(cart.SavedItems.Select(ToProto));
        return proto;
    }

    private static CartItem ToProto(CartLine line) =>
        new()
        {
            ItemId = line.ItemId,
            ProductId = line.ProductId,
            Sku = line.Sku,
            Quantity = line.Quantity,
            Price = PriceOf(line).ToProto(),
            SellerId = line.SellerId,
            AddedAt = Timestamp.FromDateTimeOffset(line.AddedAt),
            Name = line.Name,
        };

    private static Money PriceOf(CartLine line) =>
        Money.TryParse(
            line.Price.ToString(CultureInfo.InvariantCulture),
            Currency.Of(line.Currency),
            out var price
        )
            ? price
            : throw new InvalidOperationException("A stored price has more decimals than its currency.");
}
