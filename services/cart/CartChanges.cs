using Souk.Cart.V1;
using Souk.Catalog.V1;
using Reason = Souk.Cart.V1.Reason;

namespace Souk.Cart;

/// <summary>
/// What can be done to a cart: pure functions from cart to cart, so that a lost race simply does it again to
/// the newer cart. Each returns the very same cart when there is nothing to change.
/// </summary>
internal static class CartChanges
{
    /// <summary>Most lines of a cart, and of its saved part.</summary>
    public const int LinesMax = 200;

    /// <summary>Most units of a SKU.</summary>
    public const int QuantityMax = 99;

    /// <summary>Most coupons of a cart.</summary>
    public const int CouponsMax = 10;

    /// <summary>Adds units of an offer, on top of those of the same SKU and seller.</summary>
    public static CartDocument Add(
        CartDocument cart,
        Offer offer,
        int quantity,
        string itemId,
        DateTimeOffset now
    )
    {
        if (cart.Items.Count > 0 && cart.Currency != offer.UnitPrice.Currency)
            throw OtherCurrency(cart, offer.UnitPrice.Currency);
        var index = IndexOf(cart.Items, line => line.Sku == offer.Sku && line.SellerId == offer.SellerId);
        var had = index < 0 ? 0 : cart.Items[index].Quantity;
        if (had + quantity > QuantityMax)
            throw TooMany();
        if (index < 0 && cart.Items.Count == LinesMax)
            throw Fault.FailedPrecondition(Reason.CartFull, $"A cart has at most {LinesMax} lines.");
        var line =
            index < 0
                ? new CartLine(itemId, "", offer.Sku, 0, 0, "", offer.SellerId, now, "")
                : cart.Items[index];
        line = Priced(line, offer) with { Quantity = had + quantity };
        return cart with { Items = Put(cart.Items, index, line) };
    }

    /// <summary>Sets a line's quantity; 0 takes it out. NOT_FOUND for a line that the cart lacks.</summary>
    public static CartDocument SetQuantity(CartDocument cart, string itemId, int quantity)
    {
        var index = IndexOf(cart.Items, line => line.ItemId == itemId);
        if (index < 0)
            throw Fault.NotFound("cart item", itemId);
        if (quantity == 0)
            return Remove(cart, itemId);
        return cart.Items[index].Quantity == quantity
            ? cart
            : cart with
            {
                Items = Put(cart.Items, index, cart.Items[index] with { Quantity = quantity }),
            };
    }

    /// <summary>Takes a line out, saved or not; one that is not there is no error.</summary>
    public static CartDocument Remove(CartDocument cart, string itemId)
    {
        var has =
            cart.Items.Any(line => line.ItemId == itemId)
            || cart.SavedItems.Any(line => line.ItemId == itemId);
        return has
            ? cart with
            {
                Items = [.. cart.Items.Where(line => line.ItemId != itemId)],
                SavedItems = [.. cart.SavedItems.Where(line => line.ItemId != itemId)],
            }
            : cart;
    }

    /// <summary>Moves a line out of the cart, for later. One that is saved already stays there.</summary>
    public static CartDocument Save(CartDocument cart, string itemId)
    {
        if (cart.SavedItems.Any(line => line.ItemId == itemId))
            return cart;
        var line =
            cart.Items.FirstOrDefault(line => line.ItemId == itemId)
            ?? throw Fault.NotFound("cart item", itemId);
        if (cart.SavedItems.Count == LinesMax)
            throw Fault.FailedPrecondition(
                Reason.CartFull,
                $"At most {LinesMax} lines can be saved for later."
            );
        return Remove(cart, itemId) with { SavedItems = [.. cart.SavedItems, line] };
    }

    /// <summary>Moves a saved line back, at the offer's price. One that is in the cart already stays
    /// there.</summary>
    public static CartDocument Restore(CartDocument cart, string itemId, Offer offer, DateTimeOffset now)
    {
        if (cart.Items.Any(line => line.ItemId == itemId))
            return cart;
        var line =
            cart.SavedItems.FirstOrDefault(line => line.ItemId == itemId)
            ?? throw Fault.NotFound("cart item", itemId);
        return Add(Remove(cart, itemId), offer, line.Quantity, itemId, now);
    }

    /// <summary>Adds a coupon; the same one again changes nothing.</summary>
    public static CartDocument AddCoupon(CartDocument cart, string code)
    {
        if (cart.Coupons.Contains(code))
            return cart;
        return cart.Coupons.Count < CouponsMax
            ? cart with
            {
                Coupons = [.. cart.Coupons, code],
            }
            : throw Fault.FailedPrecondition(
                Reason.CouponLimit,
                $"A cart takes at most {CouponsMax} coupons."
            );
    }

    /// <summary>Takes a coupon out; one that is not there is no error.</summary>
    public static CartDocument RemoveCoupon(CartDocument cart, string code) =>
        cart.Coupons.Contains(code)
            ? cart with
            {
                Coupons = [.. cart.Coupons.Where(known => known != code)],
            }
            : cart;

    /// <summary>
    /// Takes a guest's cart over (CART-10): quantities add up to the most there may be, coupons unite. Lines
    /// of another currency and lines beyond the most a cart holds stay behind.
    /// </summary>
    public static CartDocument Merge(CartDocument cart, CartDocument guest)
    {
        var currency = cart.Items.Count > 0 ? cart.Currency : guest.Currency;
        var items = cart.Items.ToList();
        foreach (var line in guest.Items.Where(line => line.Currency == currency))
        {
            var index = IndexOf(items, known => known.Sku == line.Sku && known.SellerId == line.SellerId);
            if (index >= 0)
                items[index] = items[index] with
                {
                    Quantity = Math.Min(QuantityMax, items[index].Quantity + line.Quantity),
                };
            else if (items.Count < LinesMax)
                items.Add(line);
        }

        return cart with
        {
            Items = items,
            Coupons = [.. cart.Coupons.Union(guest.Coupons).Take(CouponsMax)],
            SavedItems = [.. cart.SavedItems.Concat(guest.SavedItems).Take(LinesMax)],
        };
    }

    /// <summary>Takes bought units and used coupons out; what was added since stays.</summary>
    public static CartDocument ClearPurchased(
        CartDocument cart,
        IEnumerable<QuoteItem> bought,
        IEnumerable<string> coupons
    )
    {
        var units = bought
            .GroupBy(item => item.Sku)
            .ToDictionary(g => g.Key, g => g.Sum(item => item.Quantity));
        var items = cart
            .Items.Select(line => line with { Quantity = line.Quantity - units.GetValueOrDefault(line.Sku) })
            .Where(line => line.Quantity > 0);
        return cart with { Items = [.. items], Coupons = [.. cart.Coupons.Except(coupons)] };
    }

    /// <summary>Brings the lines to today's prices, which may be in another currency than the ones they
    /// had.</summary>
    public static CartDocument Reprice(CartDocument cart, IReadOnlyDictionary<string, Offer> offers)
    {
        var items = cart.Items.Select(line =>
            offers.TryGetValue(line.Sku, out var offer) && !IsPriceOf(line, offer)
                ? Priced(line, offer)
                : line
        );
        var repriced = items.ToArray();
        return repriced.SequenceEqual(cart.Items) ? cart : cart with { Items = repriced };
    }

    /// <summary>FAILED_PRECONDITION/QUANTITY_LIMIT.</summary>
    public static Exception TooMany() =>
        Fault.FailedPrecondition(
            Reason.QuantityLimit,
            $"A cart holds at most {QuantityMax} of a SKU.",
            ("max", QuantityMax.ToString(System.Globalization.CultureInfo.InvariantCulture))
        );

    /// <summary>FAILED_PRECONDITION/CURRENCY_MISMATCH.</summary>
    public static Exception OtherCurrency(CartDocument cart, string currency) =>
        Fault.FailedPrecondition(
            Reason.CurrencyMismatch,
            "A cart has one currency.",
            ("cart", cart.Currency),
            ("item", currency)
        );

    private static CartLine Priced(CartLine line, Offer offer) =>
        line with
        {
            ProductId = offer.ProductId,
            Price = Decimal(offer.UnitPrice),
            Currency = offer.UnitPrice.Currency,
            Name = offer.Name,
        };

    private static bool IsPriceOf(CartLine line, Offer offer) =>
        line.Price == Decimal(offer.UnitPrice) && line.Currency == offer.UnitPrice.Currency;

    // As the document has it.
    private static decimal Decimal(Type.Money price) =>
        decimal.Parse(
            Shared.Money.FromProto(price, "price").ToDecimalText(),
            System.Globalization.CultureInfo.InvariantCulture
        );

    private static int IndexOf(IReadOnlyList<CartLine> lines, Func<CartLine, bool> isIt)
    {
        for (var i = 0; i < lines.Count; i++)
        {
            if (isIt(lines[i]))
                return i;
        }

        return -1;
    }

    private static CartLine[] Put(IReadOnlyList<CartLine> lines, int index, CartLine line)
    {
        if (index < 0)
            return [.. lines, line];
        var copy = lines.ToArray();
        copy[index] = line;
        return copy;
    }
}
