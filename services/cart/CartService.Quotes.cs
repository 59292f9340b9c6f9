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
        var (cart, _) = await carts.GetAsync(userId, context.CancellationToken);
        var skus = cart.Items.Select(line => line.Sku);
        var offers = await OffersAsync(skus, Mesh.Call(context, CatalogTimeout));
        // What the buyer sees here is what they agree to at checkout (K18), so the cart remembers it.
        if (!ReferenceEquals(CartChanges.Reprice(cart, offers), cart))
            (cart, _) = await carts.ChangeAsync(
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

        var offers = await OffersOfAsync(request.Items, options);
        var quoted = CartDocument.Empty(request.UserId);
        foreach (var item in request.Items)
        {
            var offer = Find(offers, item);
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
        var (cart, _) = await carts.GetAsync(userId, cancellationToken);
        if (cart.Items.Count == 0)
            throw Fault.FailedPrecondition(Reason.CartEmpty, "There is nothing in the cart.");
        var offers = await OffersAsync(cart.Items.Select(line => line.Sku), options);
        foreach (var line in cart.Items)
        {
            var offer = Purchasable(offers, line.Sku);
            var seen = ToMoney(line.Price, cart.Currency);
            if (
                offer.UnitPrice.Currency == cart.Currency
                && Money.FromProto(offer.UnitPrice, "price") == seen
            )
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
        var what = $"order {request.OrderId}";
        await carts.ChangeAsync(
            request.UserId,
            cart =>
                cart.IsEmpty || CartChanges.WasDone(cart, what)
                    ? cart
                    : CartChanges.MarkDone(
                        CartChanges.ClearPurchased(cart, request.Items, request.Coupons),
                        what
                    ),
            context.CancellationToken
        );
        return new Empty();
    }

    private async Task<CartSummary> SummaryAsync(CartDocument cart, CancellationToken cancellationToken)
    {
        if (cart.Items.Count == 0)
            return new CartSummary();
        var currency = Currency.Of(cart.Currency);
        var usable = await coupons.UsableAsync(cart.Coupons, cancellationToken);
        var lines = cart.Items.Select(line => new PricedLine(
            ToMoney(line.Price, cart.Currency),
            line.Quantity
        ));
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
        summary.Items.Add(cart.Items.Select(line => ToProto(line, cart.Currency)));
        summary.Coupons.Add(usable.Select(coupon => coupon.Code));
        return summary;
    }

    private async Task<IReadOnlyList<Offer>> OffersOfAsync(IEnumerable<QuoteItem> items, CallOptions options)
    {
        var request = new BatchGetOffersRequest();
        foreach (var item in items)
        {
            if (item.Sku.Length > 0)
                request.Skus.Add(item.Sku);
            else
                request.ProductIds.Add(item.ProductId);
        }

        return (await catalog.BatchGetOffersAsync(request, options)).Offers;
    }

    private static Offer Find(IReadOnlyList<Offer> offers, QuoteItem item)
    {
        var offer = offers.FirstOrDefault(offer =>
            (item.Sku.Length == 0 || offer.Sku == item.Sku)
            && (item.ProductId.Length == 0 || offer.ProductId == item.ProductId)
        );
        var name = item.Sku.Length > 0 ? item.Sku : item.ProductId;
        return offer is null ? throw Fault.NotFound("SKU", name)
            : offer.Purchasable ? offer
            : throw Fault.FailedPrecondition(
                Reason.ProductUnavailable,
                $"{offer.Sku} is not on sale at the moment.",
                ("sku", offer.Sku)
            );
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
