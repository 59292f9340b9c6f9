using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Cart.V1;
using Souk.Catalog.V1;
using Reason = Souk.Cart.V1.Reason;

namespace Souk.Cart;

internal sealed partial class CartService
{
    /// <inheritdoc />
    public override async Task<CartSummary> GetCartSummary(
        GetCartSummaryRequest request,
        ServerCallContext context
    )
    {
        var userId = Caller.Of(context).UserId;
        var cart = await carts.GetAsync(userId, context.CancellationToken);
        var skus = cart.Items.Select(line => line.Sku);
        var offers = await OffersAsync(skus, Mesh.Call(context, CatalogTimeout));
        foreach (var offer in offers.Values)
            CheckSeller(offer);
        // What the buyer sees here is what they agree to at checkout (K18), so the cart remembers it.
        if (!ReferenceEquals(CartChanges.Reprice(cart, offers), cart))
            cart = await carts.ChangeAsync(
                userId,
                current => CartChanges.Reprice(current, offers),
                context.CancellationToken
            );
        return await SummaryAsync(cart, context.CancellationToken);
    }

    /// <inheritdoc />
    public override async Task<CartSummary> QuoteItems(QuoteItemsRequest request, ServerCallContext context)
    {
        var options = await mesh.AsServiceAsync(CatalogTimeout, context.CancellationToken);
        if (request.Items.Count == 0)
            return await QuoteCartAsync(request.UserId, options, context.CancellationToken);

        foreach (var item in request.Items)
            Check(item);
        var offers = await OffersAsync(request.Items.Select(item => item.Sku), options);
        var bare = request.Items.Where(item => item.Sku.Length == 0).Select(item => item.ProductId);
        var productOffers = await ProductOffersAsync(bare, options);
        var quoted = CartDocument.Empty(request.UserId);
        foreach (var item in request.Items)
        {
            var offer =
                item.Sku.Length > 0
                    ? Purchasable(offers, item.Sku)
                    : Purchasable(productOffers, item.ProductId);
            CheckProduct(offer, item.ProductId);
            if (item.ExpectedPrice is { } expected)
                CheckPrice(
                    offer,
                    Money.FromProto(expected, "items.price", Currency.Of(offer.UnitPrice.Currency))
                );
            quoted = CartChanges.Add(quoted, offer, item.Quantity, carts.NewId(ItemPrefix), carts.Now);
        }

        return await SummaryAsync(quoted, context.CancellationToken);
    }

    private async Task<CartSummary> QuoteCartAsync(
        string userId,
        CallOptions options,
        CancellationToken cancellationToken
    )
    {
        var cart = await carts.GetAsync(userId, cancellationToken);
        if (cart.Items.Count == 0)
            throw Fault.FailedPrecondition(Reason.CartEmpty, "There is nothing in the cart.");
        var offers = await OffersAsync(cart.Items.Select(line => line.Sku), options);
        foreach (var line in cart.Items)
        {
            var offer = Purchasable(offers, line.Sku);
            var seen = PriceOf(line);
            if (Money.FromProto(offer.UnitPrice, "price") == seen)
                continue;
            // From now on the cart shows today's prices, so that the buyer's next attempt agrees to them.
            await carts.ChangeAsync(
                userId,
                current => CartChanges.Reprice(current, offers),
                cancellationToken
            );
            CheckPrice(offer, seen);
        }

        return await SummaryAsync(cart, cancellationToken);
    }

    /// <inheritdoc />
    public override async Task<Empty> ClearPurchasedItems(
        ClearPurchasedItemsRequest request,
        ServerCallContext context
    )
    {
        var mark = Marks.OfOrder(request.OrderId, carts.Now);
        await carts.ChangeAsync(
            request.UserId,
            cart =>
                cart.IsEmpty || Marks.Has(cart, mark)
                    ? cart
                    : Marks.Put(CartChanges.ClearPurchased(cart, request.Items, request.Coupons), mark),
            context.CancellationToken
        );
        return new Empty();
    }

    private async Task<CartSummary> SummaryAsync(CartDocument cart, CancellationToken cancellationToken)
    {
        if (cart.Items.Count == 0)
            return new CartSummary();
        if (cart.Items.FirstOrDefault(line => line.Currency != cart.Currency) is { } other)
            throw CartChanges.OtherCurrency(cart, other.Currency);
        var currency = Currency.Of(cart.Currency);
        var usable = await coupons.UsableAsync(cart.Coupons, cancellationToken);
        var lines = cart.Items.Select(line => new PricedLine(PriceOf(line), line.Quantity));
        var price = pricing.Of([.. lines], usable, currency);
        var summary = new CartSummary
        {
            Currency = currency.Code,
            Subtotal = price.Subtotal.ToProto(),
            Discount = price.Discount.ToProto(),
            Tax = price.Tax.ToProto(),
            Shipping = price.Shipping.ToProto(),
            Total = price.Total.ToProto(),
        };
        summary.Items.Add(cart.Items.Select(ToProto));
        summary.Coupons.Add(
            usable.Where(coupon => !coupon.Off(price.Subtotal).IsZero).Select(coupon => coupon.Code)
        );
        return summary;
    }

    /// <summary>Today's offers of these products by product id, of those that have one variant.</summary>
    private async Task<Dictionary<string, Offer>> ProductOffersAsync(
        IEnumerable<string> productIds,
        CallOptions options
    )
    {
        var request = new BatchGetOffersRequest();
        request.ProductIds.Add(productIds.Distinct());
        if (request.ProductIds.Count == 0)
            return [];
        var response = await catalog.BatchGetOffersAsync(request, options);
        return response.Offers.ToDictionary(offer => offer.ProductId);
    }

    private static void Check(QuoteItem item)
    {
        if (item.Sku.Length == 0 && item.ProductId.Length == 0)
            throw Fault.InvalidArgument(Type.Reason.FieldRequired, "items.sku", "is required");
        CheckQuantity(item.Quantity, "items.quantity");
    }

    private static void CheckPrice(Offer offer, Money agreed)
    {
        var today = Money.FromProto(offer.UnitPrice, "price");
        if (today != agreed)
            throw Fault.Aborted(
                Reason.PriceChanged,
                $"{offer.Name} costs {today} now.",
                ("sku", offer.Sku),
                ("old", agreed.ToDecimalText()),
                ("new", today.ToDecimalText())
            );
    }
}
