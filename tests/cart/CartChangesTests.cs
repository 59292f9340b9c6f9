using Grpc.Core;
using Souk.Cart;
using Souk.Cart.V1;
using Souk.Catalog.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Cart;

/// <summary>The pure changes: what a cart is afterwards, and where its limits are.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class CartChangesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Test, Description("CART-02")]
    public void Add_SameSkuAndSeller_CountsUp()
    {
        var cart = Add(Add(Empty(), "A", 2), "A", 3);

        Assert.That(cart.Items, Is.EqualTo(new[] { Line("A", 5) }));
    }

    [Test, Description("CART-02")]
    public void Add_SameSkuOfAnotherSeller_IsALineOfItsOwn()
    {
        var other = Offer("A");
        other.SellerId = "user_2";
        var cart = CartChanges.Add(Add(Empty(), "A"), other, 1, "item_A2", Now);

        Assert.That(cart.Items.Select(line => line.SellerId), Is.EqualTo(new[] { "user_1", "user_2" }));
    }

    [Test]
    public void Add_SameSkuAtANewPrice_ShowsTheNewPrice() =>
        Assert.That(Add(Add(Empty(), "A"), "A", 1, 1500).Items.Single().Price, Is.EqualTo(15m));

    [Test, Description("CART-02")]
    public void Add_BeyondTheMostOfASku_FailsWithQuantityLimit()
    {
        var full = Add(Empty(), "A", CartChanges.QuantityMax);

        Assert.That(Failing(() => Add(full, "A")), Is.EqualTo(Refused("QUANTITY_LIMIT")));
        Assert.That(Failing(() => Add(full, "A")).Metadata["max"], Is.EqualTo("99"));
    }

    [Test]
    public void Add_BeyondTheMostLines_FailsWithCartFull()
    {
        var full = Full();

        Assert.That(Failing(() => Add(full, "ONE MORE")), Is.EqualTo(Refused("CART_FULL")));
        Assert.That(Add(full, "S0").Items[0].Quantity, Is.EqualTo(2));
    }

    [Test]
    public void Add_AnotherCurrency_FailsWithCurrencyMismatch()
    {
        var cart = Add(Empty(), "A");
        var failure = Failing(() => CartChanges.Add(cart, Offer("B", 1000, "EUR"), 1, "item_B", Now));

        Assert.That(failure, Is.EqualTo(Refused("CURRENCY_MISMATCH")));
        Assert.That((failure.Metadata["cart"], failure.Metadata["item"]), Is.EqualTo(("USD", "EUR")));
    }

    [Test]
    public void Add_AnotherCurrencyOnceTheCartIsEmpty_IsTaken()
    {
        var emptied = CartChanges.Remove(Add(Empty(), "A"), "item_A");

        Assert.That(emptied.Currency, Is.Empty);
        Assert.That(
            CartChanges.Add(emptied, Offer("B", 1000, "EUR"), 1, "item_B", Now).Currency,
            Is.EqualTo("EUR")
        );
    }

    [Test, Description("CART-03")]
    public void SetQuantity_ToZero_TakesTheLineOutAndLeavesTheOthers() =>
        Assert.That(
            CartChanges.SetQuantity(Add(Add(Empty(), "A"), "B"), "item_A", 0).Items,
            Is.EqualTo(new[] { Line("B", 1) })
        );

    [Test, Description("CART-03")]
    public void SetQuantity_ToWhatItIs_IsTheSameCart()
    {
        var cart = Add(Empty(), "A", 2);
        Assert.That(CartChanges.SetQuantity(cart, "item_A", 2), Is.SameAs(cart));
    }

    [Test, Description("CART-04")]
    public void Remove_LineThatIsNotThere_IsTheSameCart()
    {
        var cart = Add(Empty(), "A");
        Assert.That(CartChanges.Remove(cart, "item_B"), Is.SameAs(cart));
    }

    [Test, Description("CART-09")]
    public void SaveAndRestore_ALine_BringItBackAtTodaysPrice()
    {
        var saved = CartChanges.Save(Add(Add(Empty(), "A", 2), "B"), "item_A");
        Assert.That(saved.Items, Is.EqualTo(new[] { Line("B", 1) }));
        Assert.That(saved.SavedItems, Is.EqualTo(new[] { Line("A", 2) }));
        Assert.That(CartChanges.Save(saved, "item_A"), Is.SameAs(saved));

        var back = CartChanges.Restore(saved, "item_A", Offer("A", 1234), Now);
        Assert.That(back.Items, Is.EqualTo(new[] { Line("B", 1), Line("A", 2) with { Price = 12.34m } }));
        Assert.That(back.SavedItems, Is.Empty);
        Assert.That(CartChanges.Restore(back, "item_A", Offer("A"), Now), Is.SameAs(back));
    }

    [Test, Description("CART-09")]
    public void Restore_MoreThanTheCartTakes_FailsWithQuantityLimit()
    {
        var saved = CartChanges.Save(Add(Empty(), "A", 60), "item_A");
        saved = CartChanges.Add(saved, Offer("A"), 40, "item_A2", Now);

        Assert.That(
            Failing(() => CartChanges.Restore(saved, "item_A", Offer("A"), Now)),
            Is.EqualTo(Refused("QUANTITY_LIMIT"))
        );
    }

    [Test, Description("CART-09")]
    public void Save_BeyondTheMostSavedLines_FailsWithCartFull()
    {
        var cart = Add(Empty(), "A") with { SavedItems = Full().Items };

        Assert.That(Failing(() => CartChanges.Save(cart, "item_A")), Is.EqualTo(Refused("CART_FULL")));
    }

    [Test, Description("CART-05")]
    public void AddCoupon_TwiceOrBeyondTheMost_ChangesNothingOrFails()
    {
        var cart = Enumerable
            .Range(0, CartChanges.CouponsMax)
            .Aggregate(Empty(), (cart, i) => CartChanges.AddCoupon(cart, $"C{i}"));

        Assert.That(CartChanges.AddCoupon(cart, "C0"), Is.SameAs(cart));
        Assert.That(Failing(() => CartChanges.AddCoupon(cart, "MORE")), Is.EqualTo(Refused("COUPON_LIMIT")));
        Assert.That(CartChanges.RemoveCoupon(cart, "C3").Coupons, Has.Count.EqualTo(9).And.No.Member("C3"));
        Assert.That(CartChanges.RemoveCoupon(cart, "MORE"), Is.SameAs(cart));
    }

    [Test, Description("CART-10")]
    public void Merge_SameSkus_AddUpToTheMostOfASku()
    {
        var cart = CartChanges.AddCoupon(Add(Add(Empty(), "A", 60), "B", 1), "C1");
        var guest = CartChanges.AddCoupon(Add(Add(Empty("guest_1"), "A", 60), "C", 2), "C2");
        guest = CartChanges.AddCoupon(CartChanges.Save(Add(guest, "D"), "item_D"), "C1");

        var merged = CartChanges.Merge(cart, guest);

        Assert.That(merged.Items, Is.EqualTo(new[] { Line("A", 99), Line("B", 1), Line("C", 2) }));
        Assert.That(merged.Coupons, Is.EqualTo(new[] { "C1", "C2" }));
        Assert.That(merged.SavedItems, Is.EqualTo(new[] { Line("D", 1) }));
        Assert.That(merged.UserId, Is.EqualTo("user_me"));
    }

    [Test, Description("CART-10")]
    public void Merge_BeyondTheMostLines_LeavesTheRestBehind()
    {
        var merged = CartChanges.Merge(Full(), Add(Add(Empty("guest_1"), "S7", 2), "ONE MORE"));

        Assert.That(merged.Items, Has.Count.EqualTo(CartChanges.LinesMax));
        Assert.That(merged.Items[7].Quantity, Is.EqualTo(3));
    }

    [Test, Description("CART-10")]
    public void Merge_AnotherCurrency_KeepsTheCallersLinesOnly()
    {
        var guest = CartChanges.Add(Empty("guest_1"), Offer("B", 1000, "EUR"), 1, "item_B", Now);

        Assert.That(CartChanges.Merge(Add(Empty(), "A"), guest).Items, Is.EqualTo(new[] { Line("A", 1) }));
        Assert.That(CartChanges.Merge(Empty(), guest).Currency, Is.EqualTo("EUR"));
    }

    [Test]
    public void ClearPurchased_MoreAddedSince_LeavesWhatWasNotBought()
    {
        var cart = CartChanges.AddCoupon(Add(Add(Add(Empty(), "A", 3), "B"), "C"), "C1");
        QuoteItem[] bought = [new() { Sku = "A", Quantity = 2 }, new() { Sku = "B", Quantity = 1 }];

        var left = CartChanges.ClearPurchased(cart, bought, ["C1"]);

        Assert.That(left.Items, Is.EqualTo(new[] { Line("A", 1), Line("C", 1) }));
        Assert.That(left.Coupons, Is.Empty);
    }

    [Test, Description("K18")]
    public void Reprice_SamePrices_IsTheSameCart()
    {
        var cart = Add(Empty(), "A");
        Assert.That(CartChanges.Reprice(cart, Offers(Offer("A"))), Is.SameAs(cart));
        Assert.That(CartChanges.Reprice(cart, Offers()), Is.SameAs(cart));
    }

    [TestCase(900, "USD")]
    [TestCase(1000, "EUR")]
    [Description("K18")]
    public void Reprice_OtherPriceOrCurrency_TakesItOver(long minor, string currency)
    {
        var cart = CartChanges.Reprice(Add(Add(Empty(), "A"), "B"), Offers(Offer("A", minor, currency)));

        Assert.That(
            cart.Items,
            Is.EqualTo(
                new[] { Line("A", 1) with { Price = minor / 100m, Currency = currency }, Line("B", 1) }
            )
        );
    }

    private static CartDocument Empty(string userId = "user_me") => CartDocument.Empty(userId);

    private static CartDocument Add(CartDocument cart, string sku, int quantity = 1, long minor = 1000) =>
        CartChanges.Add(cart, Offer(sku, minor), quantity, $"item_{sku}", Now);

    private static CartDocument Full() =>
        Enumerable.Range(0, CartChanges.LinesMax).Aggregate(Empty(), (cart, i) => Add(cart, $"S{i}"));

    private static CartLine Line(string sku, int quantity) =>
        new($"item_{sku}", "prod_1", sku, quantity, 10m, "USD", "user_1", Now, "Phone");

    private static Offer Offer(string sku, long minor = 1000, string currency = "USD") =>
        new()
        {
            Sku = sku,
            ProductId = "prod_1",
            Name = "Phone",
            SellerId = "user_1",
            UnitPrice = new Type.Money { Currency = currency, MinorUnits = minor },
            Purchasable = true,
        };

    private static Dictionary<string, Offer> Offers(params Offer[] offers) =>
        offers.ToDictionary(offer => offer.Sku);

    private static Failure Refused(string reason) => new(StatusCode.FailedPrecondition, reason);

    private static Failure Failing(Func<CartDocument> change) =>
        Failure.Of(Assert.Throws<RpcException>(() => change())!);
}
