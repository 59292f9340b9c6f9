using Google.Protobuf.WellKnownTypes;
using Souk.Cart;
using Souk.Cart.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Cart;

/// <summary>What a cart is in the store, how long it lives and who is told before it ends.</summary>
internal sealed class RemindersTests
{
    private CartMesh _mesh = null!;

    [OneTimeSetUp]
    public async Task Start() => _mesh = await CartMesh.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _mesh.DisposeAsync();

    [Test, Description("CART-07, CART-08")]
    public async Task Document_OfACart_HasTheDocumentsNamesAndKey()
    {
        var buyer = TestCaller.Buyer();
        var start = _mesh.Clock.GetUtcNow();
        var phone = await _mesh.OnSaleAsync();
        var key = Guid.CreateVersion7().ToString();
        await _mesh.As(buyer).AddCartItemAsync(CartMesh.Item(phone, 2, key));
        var cart = await _mesh.As(buyer).ApplyCouponAsync(new ApplyCouponRequest { Code = "SAVE10" });
        var sku = phone.Variants[0].Sku;
        var mark = Marks.Of(Guid.Parse(key), CartMesh.Item(phone, 2), start);

        var json = await _mesh.StoredAsync($"cart:{buyer.UserId}");

        Assert.That(
            json,
            Is.EqualTo(
                $$"""
                {"user_id":"{{buyer.UserId}}","items":[{"item_id":"{{cart.Items[0].ItemId}}",
                "product_id":"{{phone.ProductId}}","sku":"{{sku}}","quantity":2,"price":999.99,
                "currency":"USD","seller_id":"{{phone.SellerId}}","added_at":"{{start:yyyy-MM-ddTHH:mm:ss}}+00:00",
                "name":"Smartphone X"}],"coupons":["SAVE10"],"saved_items":[],
                "updated_at":"{{start:yyyy-MM-ddTHH:mm:ss}}+00:00",
                "expires_at":"{{start.AddDays(7):yyyy-MM-ddTHH:mm:ss}}+00:00",
                "marks":[{"what":"{{mark.What}}","body":"{{mark.Body}}",
                "at":"{{start:yyyy-MM-ddTHH:mm:ss}}+00:00"}]}
                """.Replace("\n", "", StringComparison.Ordinal)
            )
        );
        Assert.That(await CartMesh.RedisAsync($"EXISTS cart:{buyer.UserId}"), Is.EqualTo(1));
        Assert.That(
            (cart.UpdatedAt, cart.ExpiresAt),
            Is.EqualTo((Timestamp.FromDateTimeOffset(start), Timestamp.FromDateTimeOffset(start.AddDays(7))))
        );
    }

    [Test, Description("CART-08, CART-09, K7")]
    public async Task GetCart_AfterItsEnd_HasTheSavedLinesOnly()
    {
        var buyer = TestCaller.Buyer();
        var kept = (await _mesh.AddAsync(buyer, await _mesh.OnSaleAsync())).Items.Single();
        Assert.That(await LivesForDaysAsync(buyer), Is.EqualTo(7));
        var saved = await _mesh.As(buyer).SaveCartItemAsync(new SaveCartItemRequest { ItemId = kept.ItemId });
        Assert.That(await LivesForDaysAsync(buyer), Is.EqualTo(90));
        await _mesh.AddAsync(buyer, await _mesh.OnSaleAsync());

        _mesh.Clock.Advance(TimeSpan.FromDays(7) - TimeSpan.FromSeconds(1));
        Assert.That((await _mesh.GetAsync(buyer)).Items, Has.Count.EqualTo(1));
        _mesh.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.That(
            await _mesh.GetAsync(buyer),
            Is.EqualTo(new Souk.Cart.V1.Cart { UserId = buyer.UserId, SavedItems = { saved.SavedItems } })
        );
        var anew = await _mesh.AddAsync(buyer, await _mesh.OnSaleAsync("10", "EUR"));
        Assert.That((anew.Items.Count, anew.SavedItems.Count), Is.EqualTo((1, 1)));
    }

    [Test, Description("CART-08, K7")]
    public async Task GetCart_ChangedOnTheWay_LivesOnFromTheChange()
    {
        var buyer = TestCaller.Buyer();
        var phone = await _mesh.OnSaleAsync();
        await _mesh.AddAsync(buyer, phone);
        _mesh.Clock.Advance(TimeSpan.FromDays(6));
        await _mesh.AddAsync(buyer, phone);
        _mesh.Clock.Advance(TimeSpan.FromDays(6));

        Assert.That((await _mesh.GetAsync(buyer)).Items.Single().Quantity, Is.EqualTo(2));
    }

    [Test, Description("CART-08, K7")]
    public async Task CartExpiring_ADayBeforeTheEnd_IsAnnouncedOnce()
    {
        var buyer = TestCaller.Buyer();
        await _mesh.AddAsync(buyer, await _mesh.OnSaleAsync());
        var cart = await _mesh.AddAsync(buyer, await _mesh.OnSaleAsync());
        await _mesh.Service.RunJobAsync<CartExpiries>();

        _mesh.Clock.Advance(TimeSpan.FromDays(6) - TimeSpan.FromSeconds(1));
        Assert.That(await AnnouncedAsync(buyer), Is.Empty);
        _mesh.Clock.Advance(TimeSpan.FromSeconds(1));

        CartExpiring[] once =
        [
            new()
            {
                UserId = buyer.UserId,
                ExpiresAt = cart.ExpiresAt,
                ItemCount = 2,
            },
        ];
        Assert.That(await AnnouncedAsync(buyer), Is.EqualTo(once));
        _mesh.Clock.Advance(TimeSpan.FromHours(23));
        Assert.That(await AnnouncedAsync(buyer), Is.EqualTo(once));
    }

    [TestCase(true)]
    [TestCase(false)]
    [Description("CART-08")]
    public async Task CartExpiring_CartChangedSince_IsAnnouncedForItsNewEnd(bool isNoted)
    {
        var buyer = TestCaller.Buyer();
        var phone = await _mesh.OnSaleAsync();
        await _mesh.AddAsync(buyer, phone);
        await _mesh.Service.RunJobAsync<CartExpiries>();
        _mesh.Clock.Advance(TimeSpan.FromDays(5));
        var changed = await _mesh.AddAsync(buyer, phone);
        if (isNoted)
            await _mesh.Service.RunJobAsync<CartExpiries>();

        _mesh.Clock.Advance(TimeSpan.FromDays(2));
        Assert.That(await AnnouncedAsync(buyer), Is.Empty);
        _mesh.Clock.Advance(TimeSpan.FromDays(4));

        Assert.That(
            (await AnnouncedAsync(buyer)).Select(expiring => expiring.ExpiresAt),
            Is.EqualTo(new[] { changed.ExpiresAt })
        );
    }

    [Test, Description("K7: no end is silent, whatever the process lost")]
    public async Task CartExpiring_NotesLostWithTheProcess_IsAnnouncedAllTheSame()
    {
        var buyer = TestCaller.Buyer();
        var phone = await _mesh.OnSaleAsync();
        // Nothing that is written behind the cart arrives in this test.
        var cart = await _mesh.AddAsync(buyer, phone);
        _mesh.Clock.Advance(TimeSpan.FromDays(6));
        Assert.That((await AnnouncedAsync(buyer)).Select(Ends), Is.EqualTo(new[] { cart.ExpiresAt }));

        _mesh.Clock.Advance(TimeSpan.FromHours(12));
        var changed = await _mesh.AddAsync(buyer, phone);
        _mesh.Clock.Advance(TimeSpan.FromHours(12));
        Assert.That((await AnnouncedAsync(buyer)).Select(Ends), Is.EqualTo(new[] { cart.ExpiresAt }));
        _mesh.Clock.Advance(TimeSpan.FromDays(5) + TimeSpan.FromHours(12));
        Assert.That(
            (await AnnouncedAsync(buyer)).Select(Ends),
            Is.EqualTo(new[] { cart.ExpiresAt, changed.ExpiresAt })
        );

        // Redis forgets the cart by its own clock; the end by ours is what counts here.
        _mesh.Clock.Advance(TimeSpan.FromDays(1));
        Assert.That((await AnnouncedAsync(buyer)).Count(), Is.EqualTo(2));
        var rows = await _mesh.Service.Db.ScalarAsync<long>(
            "select count(*) from cart_expiry where user_id = $1",
            [buyer.UserId],
            CancellationToken.None
        );
        Assert.That(rows, Is.Zero);

        static Timestamp Ends(CartExpiring expiring) => expiring.ExpiresAt;
    }

    [Test, Description("CART-08, CART-09")]
    public async Task CartExpiring_NothingToBuyLeft_IsNotAnnounced()
    {
        var buyer = TestCaller.Buyer();
        var line = (await _mesh.AddAsync(buyer, await _mesh.OnSaleAsync())).Items.Single();
        await _mesh.As(buyer).SaveCartItemAsync(new SaveCartItemRequest { ItemId = line.ItemId });
        await _mesh.Service.RunJobAsync<CartExpiries>();
        _mesh.Clock.Advance(TimeSpan.FromDays(6));

        Assert.That(await AnnouncedAsync(buyer), Is.Empty);
    }

    private async Task<IEnumerable<CartExpiring>> AnnouncedAsync(TestCaller buyer)
    {
        await _mesh.Service.RunJobAsync<CartReminders>();
        await _mesh.Mesh.DeliverEventsAsync();
        return _mesh
            .Mesh.Bus.On<CartExpiring>("cart.expiring")
            .Where(expiring => expiring.UserId == buyer.UserId);
    }

    // Redis counts down from the whole; the clock under test does not.
    private static async Task<double> LivesForDaysAsync(TestCaller buyer) =>
        Math.Ceiling(await CartMesh.RedisAsync($"TTL cart:{buyer.UserId}") / 86_400.0);
}
