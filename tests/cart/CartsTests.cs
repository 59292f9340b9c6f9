using Grpc.Core;
using Souk.Cart.V1;
using Souk.Tests.Harness;
using Money = Souk.Type.Money;

namespace Souk.Tests.Cart;

/// <summary>Lines in and out of a cart, on the real store and with a real catalog's offers.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class CartsTests
{
    private static CartMesh Mesh => SharedCarts.Mesh;

    [Test, Description("CART-01")]
    public async Task GetCart_NeverFilled_IsEmpty()
    {
        foreach (var caller in new[] { TestCaller.Buyer(), TestCaller.Guest() })
            Assert.That(
                await Mesh.GetAsync(caller),
                Is.EqualTo(new Souk.Cart.V1.Cart { UserId = caller.UserId })
            );
    }

    [Test, Description("CART-01")]
    public async Task GetCart_WithoutAToken_FailsWithTokenMissing() =>
        Assert.That(
            await Failure.OfAsync(() =>
                Mesh.Mesh.Client<CartService.CartServiceClient>("cart").GetCartAsync(new GetCartRequest())
            ),
            Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING"))
        );

    [Test, Description("CART-02, CART-07")]
    public async Task AddCartItem_Twice_CountsUpOneLine()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        await Mesh.AddAsync(buyer, phone, 2);

        var cart = await Mesh.AddAsync(buyer, phone, 3);

        var line = cart.Items.Single();
        Assert.That(
            line,
            Is.EqualTo(
                new CartItem
                {
                    ItemId = line.ItemId,
                    ProductId = phone.ProductId,
                    Sku = phone.Variants[0].Sku,
                    Quantity = 5,
                    Price = Usd(99_999),
                    SellerId = phone.SellerId,
                    AddedAt = line.AddedAt,
                    Name = "Smartphone X",
                }
            )
        );
        Assert.That(line.ItemId, Does.Match("^item_[0-9a-f]{32}$"));
        Assert.That((cart.UserId, cart.Currency), Is.EqualTo((buyer.UserId, "USD")));
        Assert.That(await Mesh.GetAsync(buyer), Is.EqualTo(cart));
        Assert.That((await Mesh.GetAsync(TestCaller.Buyer())).Items, Is.Empty);
    }

    [Test, Description("CART-02")]
    public async Task AddCartItem_UnknownSkuOrNotOfTheProduct_FailsWithNotFound()
    {
        var phone = await Mesh.OnSaleAsync();
        var other = await Mesh.OnSaleAsync();
        var mixed = CartMesh.Item(phone);
        mixed.ProductId = other.ProductId;
        foreach (
            var item in new[]
            {
                new AddCartItemRequest { Sku = "NOBODY-HAS-IT", Quantity = 1 },
                mixed,
            }
        )
            Assert.That(
                await AddFailureAsync(item),
                Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
            );
    }

    [Test, Description("CART-02, CAT-05")]
    public async Task AddCartItem_DraftOrDeleted_FailsWithProductUnavailable()
    {
        var draft = await Mesh.DraftAsync(CartMesh.Phone());
        var deleted = await Mesh.OnSaleAsync();
        await Mesh.DeleteAsync(deleted);
        foreach (var product in new[] { draft, deleted })
        {
            var failure = await AddFailureAsync(CartMesh.Item(product));
            Assert.That(
                failure,
                Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "PRODUCT_UNAVAILABLE"))
            );
            Assert.That(failure.Metadata["sku"], Is.EqualTo(product.Variants[0].Sku));
        }
    }

    [TestCase(0, StatusCode.InvalidArgument, "INVALID_FIELD")]
    [TestCase(-1, StatusCode.InvalidArgument, "INVALID_FIELD")]
    [TestCase(100, StatusCode.FailedPrecondition, "QUANTITY_LIMIT")]
    [Description("CART-02")]
    public async Task AddCartItem_QuantityOutOfRange_Fails(int quantity, StatusCode code, string reason) =>
        Assert.That(
            await AddFailureAsync(new AddCartItemRequest { Sku = "ANY", Quantity = quantity }),
            Is.EqualTo(new Failure(code, reason))
        );

    [Test]
    public async Task AddCartItem_KeyThatIsNoUuid_FailsWithInvalidField()
    {
        var failure = await AddFailureAsync(
            new AddCartItemRequest
            {
                Sku = "ANY",
                Quantity = 1,
                RequestId = "once more",
            }
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD")));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "request_id" }));
    }

    [Test, Description("CART-02")]
    public async Task AddCartItem_AnotherCurrency_FailsWithCurrencyMismatch()
    {
        var buyer = TestCaller.Buyer();
        await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync());
        var euros = await Mesh.OnSaleAsync("10", "EUR");

        Assert.That(
            await Failure.OfAsync(() => Mesh.AddAsync(buyer, euros)),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "CURRENCY_MISMATCH"))
        );
    }

    [Test, Description("CART-02")]
    public async Task AddCartItem_ManyAtOnceByOneUser_LosesNone()
    {
        var buyer = TestCaller.Buyer();
        var products = new[] { await Mesh.OnSaleAsync(), await Mesh.OnSaleAsync() };

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Mesh.AddAsync(buyer, products[i % 2])));

        Assert.That(
            (await Mesh.GetAsync(buyer)).Items.Select(line => line.Quantity),
            Is.EqualTo(new[] { 10, 10 })
        );
    }

    [Test, Description("CART-02, X-09")]
    public async Task AddCartItem_SameKeyAtOnce_AddsOnce()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        var item = CartMesh.Item(phone, 2, Guid.CreateVersion7().ToString());

        await Task.WhenAll(
            Enumerable.Range(0, 10).Select(async _ => await Mesh.As(buyer).AddCartItemAsync(item))
        );

        Assert.That((await Mesh.GetAsync(buyer)).Items.Single().Quantity, Is.EqualTo(2));
    }

    [Test, Description("CART-02, X-09")]
    public async Task AddCartItem_SameKeyForAnotherItem_FailsWithIdempotencyMismatch()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        var key = Guid.CreateVersion7().ToString();
        await Mesh.As(buyer).AddCartItemAsync(CartMesh.Item(phone, 2, key));

        Assert.That(
            await Failure.OfAsync(() => Mesh.As(buyer).AddCartItemAsync(CartMesh.Item(phone, 3, key))),
            Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH"))
        );
        Assert.That((await Mesh.GetAsync(buyer)).Items.Single().Quantity, Is.EqualTo(2));
    }

    [Test, Description("X-09")]
    public async Task AddCartItem_KeyAgainAfterManyOthers_AddsNothingMore()
    {
        var buyer = TestCaller.Buyer();
        var (phone, other) = (await Mesh.OnSaleAsync(), await Mesh.OnSaleAsync());
        var item = CartMesh.Item(phone, 2, Guid.CreateVersion7().ToString());
        await Mesh.As(buyer).AddCartItemAsync(item);
        for (var i = 0; i < 60; i++)
            await Mesh.As(buyer).AddCartItemAsync(CartMesh.Item(other, 1, Guid.CreateVersion7().ToString()));

        item.RequestId = item.RequestId.ToUpperInvariant();
        var cart = await Mesh.As(buyer).AddCartItemAsync(item);

        Assert.That(cart.Items.Select(line => line.Quantity), Is.EqualTo(new[] { 2, 60 }));
    }

    [Test, Description("X-09")]
    public async Task AddCartItem_KeyAgainWhenNoLongerOnSale_AnswersAsBefore()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        var item = CartMesh.Item(phone, 2, Guid.CreateVersion7().ToString());
        var first = await Mesh.As(buyer).AddCartItemAsync(item);
        await Mesh.DeleteAsync(phone);

        Assert.That(await Mesh.As(buyer).AddCartItemAsync(item), Is.EqualTo(first));
    }

    [Test, Description("CART-14, K8")]
    public async Task AddCartItem_ThousandCartsWithTheLastUnit_AsksNoInventory()
    {
        Assert.That(Mesh.Mesh.Routes.Has("inventory"), Is.False);
        var phone = await Mesh.OnSaleAsync();
        var carts = new Souk.Cart.V1.Cart[1000];

        await Parallel.ForAsync(
            0,
            carts.Length,
            async (i, _) => carts[i] = await Mesh.AddAsync(TestCaller.Guest(), phone)
        );

        Assert.That(carts.Select(cart => cart.Items.Single().Quantity), Is.All.EqualTo(1));
    }

    [Test, Description("CART-03")]
    public async Task UpdateCartItem_ToAnyQuantity_SetsItAndZeroRemoves()
    {
        var buyer = TestCaller.Buyer();
        await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync(), 4);
        var lines = (await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync())).Items;

        var two = await UpdateAsync(buyer, lines[0].ItemId, 2);
        Assert.That(two.Items.Select(line => line.Quantity), Is.EqualTo(new[] { 2, 1 }));

        var none = await UpdateAsync(buyer, lines[0].ItemId, 0);
        Assert.That(none.Items, Is.EqualTo(new[] { lines[1] }));
    }

    [TestCase(-1, StatusCode.InvalidArgument, "INVALID_FIELD")]
    [TestCase(100, StatusCode.FailedPrecondition, "QUANTITY_LIMIT")]
    [TestCase(1, StatusCode.NotFound, "RESOURCE_NOT_FOUND")]
    [Description("CART-03")]
    public async Task UpdateCartItem_BadQuantityOrLine_Fails(int quantity, StatusCode code, string reason) =>
        Assert.That(
            await Failure.OfAsync(() => UpdateAsync(TestCaller.Buyer(), "item_1", quantity)),
            Is.EqualTo(new Failure(code, reason))
        );

    [Test, Description("CART-04")]
    public async Task RemoveCartItem_Twice_LeavesTheOtherLines()
    {
        var buyer = TestCaller.Buyer();
        await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync());
        var lines = (await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync())).Items;
        var request = new RemoveCartItemRequest { ItemId = lines[0].ItemId };

        var once = await Mesh.As(buyer).RemoveCartItemAsync(request);
        var twice = await Mesh.As(buyer).RemoveCartItemAsync(request);

        Assert.That(once.Items, Is.EqualTo(new[] { lines[1] }));
        Assert.That(twice, Is.EqualTo(once));
    }

    [Test, Description("CART-09")]
    public async Task SaveCartItem_TheOnlyLine_LeavesTotalsAndStillShowsItsPrice()
    {
        var buyer = TestCaller.Buyer();
        var line = (await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync(), 2)).Items.Single();

        var saved = await SaveAsync(buyer, line.ItemId);

        Assert.That(saved.Items, Is.Empty);
        Assert.That(saved.Currency, Is.Empty);
        Assert.That(saved.SavedItems, Is.EqualTo(new[] { line }));
        Assert.That(await SaveAsync(buyer, line.ItemId), Is.EqualTo(saved));
        Assert.That(await Mesh.SummaryAsync(buyer), Is.EqualTo(new CartSummary()));
        var euros = await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("10", "EUR"));
        Assert.That((euros.Currency, euros.SavedItems[0].Price), Is.EqualTo(("EUR", Usd(99_999))));
    }

    [Test, Description("CART-09")]
    public async Task RestoreCartItem_PriceChangedSince_ComesBackAtTodaysPrice()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        var line = (await Mesh.AddAsync(buyer, phone, 2)).Items.Single();
        await SaveAsync(buyer, line.ItemId);
        await Mesh.RepriceAsync(phone, "500");

        var restored = await RestoreAsync(buyer, line.ItemId);

        Assert.That(restored.SavedItems, Is.Empty);
        var back = restored.Items.Single();
        Assert.That((back.ItemId, back.Quantity, back.Price), Is.EqualTo((line.ItemId, 2, Usd(50_000))));
        Assert.That(await RestoreAsync(buyer, line.ItemId), Is.EqualTo(restored));
    }

    [Test, Description("CART-09")]
    public async Task RestoreCartItem_NoLongerOnSaleOrUnknown_Fails()
    {
        var buyer = TestCaller.Buyer();
        var phone = await Mesh.OnSaleAsync();
        var line = (await Mesh.AddAsync(buyer, phone)).Items.Single();
        await SaveAsync(buyer, line.ItemId);
        await Mesh.DeleteAsync(phone);

        Assert.That(
            await Failure.OfAsync(() => RestoreAsync(buyer, line.ItemId)),
            Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "PRODUCT_UNAVAILABLE"))
        );
        foreach (var move in new[] { RestoreAsync, SaveAsync })
            Assert.That(
                await Failure.OfAsync(() => move(buyer, "item_1")),
                Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND"))
            );
    }

    private static Task<Failure> AddFailureAsync(AddCartItemRequest item) =>
        Failure.OfAsync(() => Mesh.As(TestCaller.Buyer()).AddCartItemAsync(item));

    private static async Task<Souk.Cart.V1.Cart> UpdateAsync(TestCaller buyer, string itemId, int quantity) =>
        await Mesh.As(buyer)
            .UpdateCartItemAsync(new UpdateCartItemRequest { ItemId = itemId, Quantity = quantity });

    private static async Task<Souk.Cart.V1.Cart> SaveAsync(TestCaller buyer, string itemId) =>
        await Mesh.As(buyer).SaveCartItemAsync(new SaveCartItemRequest { ItemId = itemId });

    private static async Task<Souk.Cart.V1.Cart> RestoreAsync(TestCaller buyer, string itemId) =>
        await Mesh.As(buyer).RestoreCartItemAsync(new RestoreCartItemRequest { ItemId = itemId });

    private static Money Usd(long minor) => new() { Currency = "USD", MinorUnits = minor };
}
