using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Cart.V1;
using Souk.Catalog.V1;
using Reason = Souk.Cart.V1.Reason;

namespace Souk.Cart;

/// <summary>Carts and what they cost. The RPCs are in the partial files, by topic.</summary>
internal sealed partial class CartService(
    CartStore carts,
    Coupons coupons,
    Pricing pricing,
    Mesh mesh,
    CatalogService.CatalogServiceClient catalog,
    TokenVerifier tokens
) : V1.CartService.CartServiceBase
{
    private static readonly TimeSpan CatalogTimeout = TimeSpan.FromSeconds(3);

    /// <inheritdoc />
    public override async Task<V1.Cart> GetCart(GetCartRequest request, ServerCallContext context)
    {
        var (cart, etag) = await carts.GetAsync(Caller.Of(context).UserId, context.CancellationToken);
        return ToProto(cart, etag);
    }

    private async Task<V1.Cart> ChangeAsync(
        ServerCallContext context,
        Func<CartDocument, CartDocument> change
    )
    {
        var (cart, etag) = await carts.ChangeAsync(
            Caller.Of(context).UserId,
            change,
            context.CancellationToken
        );
        return ToProto(cart, etag);
    }

    /// <summary>Today's offers of these SKUs. A SKU that no product has is left out.</summary>
    private async Task<Dictionary<string, Offer>> OffersAsync(IEnumerable<string> skus, CallOptions options)
    {
        var request = new BatchGetOffersRequest();
        request.Skus.Add(skus.Distinct());
        if (request.Skus.Count == 0)
            return [];
        var response = await catalog.BatchGetOffersAsync(request, options);
        return response.Offers.ToDictionary(offer => offer.Sku);
    }

    /// <summary>The offer of a SKU that can be bought, or the error that says why it cannot.</summary>
    private static Offer Purchasable(IReadOnlyDictionary<string, Offer> offers, string sku)
    {
        var offer = offers.GetValueOrDefault(sku) ?? throw Fault.NotFound("SKU", sku);
        return offer.Purchasable
            ? offer
            : throw Fault.FailedPrecondition(
                Reason.ProductUnavailable,
                $"{sku} is not on sale at the moment.",
                ("sku", sku)
            );
    }

    private static V1.Cart ToProto(CartDocument cart, string etag)
    {
        var proto = new V1.Cart
        {
            UserId = cart.UserId,
            Currency = cart.Currency,
            Etag = etag,
            UpdatedAt = cart.UpdatedAt is { } at ? Timestamp.FromDateTimeOffset(at) : null,
            ExpiresAt = cart.ExpiresAt is { } end ? Timestamp.FromDateTimeOffset(end) : null,
        };
        proto.Items.Add(cart.Items.Select(line => ToProto(line, cart.Currency)));
        proto.Coupons.Add(cart.Coupons);
        // A saved line may be left from a cart of another currency; its price is only what was last seen.
        proto.SavedItems.Add(cart.SavedItems.Select(line => ToProto(line, cart.Currency)));
        return proto;
    }

    private static CartItem ToProto(CartLine line, string currency) =>
        new()
        {
            ItemId = line.ItemId,
            ProductId = line.ProductId,
            Sku = line.Sku,
            Quantity = line.Quantity,
            Price = currency.Length == 0 ? null : ToMoney(line.Price, currency).ToProto(),
            SellerId = line.SellerId,
            AddedAt = Timestamp.FromDateTimeOffset(line.AddedAt),
            Name = line.Name,
        };

    private static Money ToMoney(decimal price, string currency) =>
        Money.TryParse(
            price.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Currency.Of(currency),
            out var m
        )
            ? m
            : throw new InvalidOperationException("A stored price has more decimals than its currency.");
}
