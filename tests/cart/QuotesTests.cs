using Grpc.Core;
using Souk.Cart.V1;
using Souk.Catalog.V1;
using Souk.Tests.Catalog;
using Souk.Tests.Harness;
using Money = Souk.Type.Money;

namespace Souk.Tests.Cart;

/// <summary>What checkout is told: today's prices, and nothing that the buyer did not agree to.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class QuotesTests
{
    private static CartMesh Mesh => SharedCarts.Mesh;

    [Test, Description("CART-06")]
    public async Task GetCartSummary_EmptyCart_IsEmpty() =>
        Assert.That(await Mesh.SummaryAsync(TestCaller.Buyer()), Is.EqualTo(new CartSummary()));

    [Test, Description("CART-06, K18")]
    public async Task GetCartSummary_PriceChangedSince_ShowsItAndTheCartDoesToo()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync("10");
        await Mesh.AddAsync(buyer, phone, 2);
        await Mesh.RepriceAsync(phone, "12.50");

        var summary = await Mesh.SummaryAsync(buyer);

        Assert.That(
            (summary.Subtotal, summary.Tax, summary.Total),
            Is.EqualTo((Usd(2500), Usd(200), Usd(2700)))
        );
        Assert.That((await Mesh.GetAsync(buyer)).Items, Is.EqualTo(summary.Items));
        Assert.That(await QuoteCartAsync(buyer), Is.EqualTo(summary));
    }

    [Test, Description("K18")]
    public async Task GetCartSummary_SellerMovedToAnotherCurrency_NeverMixesThem()
    {
        var buyer = TestCaller.Buyer();
        var moved = await Mesh.OnSaleAsync("10");
        var other = (await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("5"))).Items.Single();
        await Mesh.AddAsync(buyer, moved);
        await Mesh.RepriceAsync(moved, "10", "EUR");

        Assert.That(
            await Failure.OfAsync(() => Mesh.SummaryAsync(buyer)),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "CURRENCY_MISMATCH"))
        );
        await Mesh.As(buyer).RemoveCartItemAsync(new RemoveCartItemRequest { ItemId = other.ItemId });
        Assert.That(
            (await Mesh.SummaryAsync(buyer)).Total,
            Is.EqualTo(new Money { Currency = "EUR", MinorUnits = 1080 })
        );
    }

    [Test]
    public async Task QuoteItems_EmptyCart_FailsWithCartEmpty() =>
        Assert.That(
            await Failure.OfAsync(() => QuoteCartAsync(TestCaller.Buyer())),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "CART_EMPTY"))
        );

    [Test, Description("K18")]
    public async Task QuoteItems_CartsPriceChanged_FailsWithPriceChangedOnce()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync("999.99");
        await Mesh.AddAsync(buyer, phone);
        await Mesh.RepriceAsync(phone, "1099.99");

        AssertPriceChanged(
            await Failure.OfAsync(() => QuoteCartAsync(buyer)),
            (phone.Variants[0].Sku, "999.99", "1099.99")
        );
        Assert.That((await Mesh.GetAsync(buyer)).Items.Single().Price, Is.EqualTo(Usd(109_999)));
        Assert.That((await QuoteCartAsync(buyer)).Subtotal, Is.EqualTo(Usd(109_999)));
    }

    [Test, Description("K18")]
    public async Task QuoteItems_CartsProductNoLongerOnSale_FailsWithProductUnavailable()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        await Mesh.AddAsync(buyer, phone);
        await Mesh.DeleteAsync(phone);

        Assert.That(
            await Failure.OfAsync(() => QuoteCartAsync(buyer)),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "PRODUCT_UNAVAILABLE"))
        );
    }

    [Test, Description("K18")]
    public async Task QuoteItems_AgreedPrice_IsComparedWithTodays()
    {
        var phone = await Mesh.OnSaleAsync("20");
        var item = ItemOf(phone, 3);
        item.ExpectedPrice = new Money { Amount = "20.00" }; // as the gateway sends a plain number

        Assert.That((await QuoteAsync(item)).Total, Is.EqualTo(Usd(6480)));

        item.ExpectedPrice = Usd(1999);
        AssertPriceChanged(await QuoteFailureAsync(item), (item.Sku, "19.99", "20.00"));
    }

    [Test, Description("K18")]
    public async Task QuoteItems_GivenItems_LeavesTheCartAndItsCouponsAlone()
    {
        var buyer = TestCaller.Buyer();
        var cart = await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("10"));
        cart = await Mesh.As(buyer).ApplyCouponAsync(new ApplyCouponRequest { Code = "SAVE10" });
        var request = new QuoteItemsRequest { UserId = buyer.UserId };
        request.Items.Add(ItemOf(await Mesh.OnSaleAsync("20")));

        var quote = await Mesh.Services.QuoteItemsAsync(request);

        Assert.That((quote.Subtotal, quote.Discount), Is.EqualTo((Usd(2000), Usd(0))));
        Assert.That(await Mesh.GetAsync(buyer), Is.EqualTo(cart));
    }

    [Test]
    public async Task QuoteItems_ProductIdOnly_IsItsOnlyVariant()
    {
        var phone = await Mesh.OnSaleAsync("20");

        var quote = await QuoteAsync(new QuoteItem { ProductId = phone.ProductId, Quantity = 2 });

        var line = quote.Items.Single();
        Assert.That((line.Sku, line.Quantity), Is.EqualTo((phone.Variants[0].Sku, 2)));
        Assert.That(quote.Subtotal, Is.EqualTo(Usd(4000)));
    }

    [Test]
    public async Task QuoteItems_ProductIdOfSeveralVariants_FailsWithNotFound()
    {
        var sent = CartMesh.Phone();
        sent.Variants.Add(new Variant { Sku = Samples.Unique("W") });
        var phone = await Mesh.OnSaleAsync(sent);

        Assert.That(
            await QuoteFailureAsync(
                ItemOf(phone),
                new QuoteItem { ProductId = phone.ProductId, Quantity = 1 }
            ),
            Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
        );
    }

    [Test]
    public async Task QuoteItems_UnknownOrOfAnotherProduct_FailsWithNotFound()
    {
        var mixed = ItemOf(await Mesh.OnSaleAsync());
        mixed.ProductId = (await Mesh.OnSaleAsync()).ProductId;
        foreach (
            var item in new[]
            {
                new QuoteItem { Sku = "NOBODY-HAS-IT", Quantity = 1 },
                mixed,
            }
        )
            Assert.That(
                await QuoteFailureAsync(item),
                Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
            );
    }

    [Test]
    public async Task QuoteItems_Draft_FailsWithProductUnavailable()
    {
        var draft = await Mesh.DraftAsync(CartMesh.Phone());
        foreach (
            var item in new[]
            {
                ItemOf(draft),
                new QuoteItem { ProductId = draft.ProductId, Quantity = 1 },
            }
        )
        {
            var failure = await QuoteFailureAsync(item);
            Assert.That(
                failure,
                Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "PRODUCT_UNAVAILABLE"))
            );
            Assert.That(failure.Metadata["sku"], Is.EqualTo(draft.Variants[0].Sku));
        }
    }

    [Test]
    public async Task QuoteItems_TwoCurrencies_FailsWithCurrencyMismatch() =>
        Assert.That(
            await QuoteFailureAsync(
                ItemOf(await Mesh.OnSaleAsync()),
                ItemOf(await Mesh.OnSaleAsync("10", "EUR"))
            ),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "CURRENCY_MISMATCH"))
        );

    [TestCase("", 1, StatusCode.InvalidArgument, "FIELD_REQUIRED")]
    [TestCase("ANY", 0, StatusCode.InvalidArgument, "INVALID_FIELD")]
    [TestCase("ANY", -5, StatusCode.InvalidArgument, "INVALID_FIELD")]
    [TestCase("ANY", 100, StatusCode.FailedPrecondition, "QUANTITY_LIMIT")]
    public async Task QuoteItems_BadItem_Fails(string sku, int quantity, StatusCode code, string reason) =>
        Assert.That(
            await QuoteFailureAsync(
                ItemOf(await Mesh.OnSaleAsync()),
                new QuoteItem { Sku = sku, Quantity = quantity }
            ),
            Is.EqualTo(new Failure(code, reason))
        );

    [Test]
    public async Task QuoteItems_ByABuyer_FailsWithRoleRequired() =>
        Assert.That(
            await Failure.OfAsync(() =>
                Mesh.As(TestCaller.Buyer()).QuoteItemsAsync(new QuoteItemsRequest { UserId = "user_1" })
            ),
            Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED"))
        );

    [Test]
    public async Task ClearPurchasedItems_SameOrderTwice_TakesTheUnitsOutOnce()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        await Mesh.AddAsync(buyer, phone, 5);
        await Mesh.As(buyer).ApplyCouponAsync(new ApplyCouponRequest { Code = "SAVE10" });
        var request = new ClearPurchasedItemsRequest
        {
            UserId = buyer.UserId,
            OrderId = "ord_1",
            Items = { ItemOf(phone, 2) },
            Coupons = { "SAVE10" },
        };

        await Mesh.Services.ClearPurchasedItemsAsync(request);
        await Mesh.Services.ClearPurchasedItemsAsync(request);

        var cart = await Mesh.GetAsync(buyer);
        Assert.That((cart.Items.Single().Quantity, cart.Coupons.Count), Is.EqualTo((3, 0)));

        request.OrderId = "ord_2";
        await Mesh.Services.ClearPurchasedItemsAsync(request);
        Assert.That((await Mesh.GetAsync(buyer)).Items.Single().Quantity, Is.EqualTo(1));
    }

    private static void AssertPriceChanged(Failure failure, (string Sku, string Old, string New) expected)
    {
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "PRICE_CHANGED")));
        var said = failure.Metadata;
        Assert.That((said["sku"], said["old"], said["new"]), Is.EqualTo(expected));
    }

    private static async Task<CartSummary> QuoteCartAsync(TestCaller buyer) =>
        await Mesh.Services.QuoteItemsAsync(new QuoteItemsRequest { UserId = buyer.UserId });

    private static async Task<CartSummary> QuoteAsync(params QuoteItem[] items) =>
        await Mesh.Services.QuoteItemsAsync(new QuoteItemsRequest { UserId = "user_1", Items = { items } });

    private static Task<Failure> QuoteFailureAsync(params QuoteItem[] items) =>
        Failure.OfAsync(() => QuoteAsync(items));

    private static QuoteItem ItemOf(Product product, int quantity = 1) =>
        new() { Sku = product.Variants[0].Sku, Quantity = quantity };

    private static Money Usd(long minor) => new() { Currency = "USD", MinorUnits = minor };
}
