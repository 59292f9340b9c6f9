using Grpc.Core;
using Souk.Cart;
using Souk.Cart.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Cart;

/// <summary>What becomes of a guest's cart when the guest signs in.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class MergeTests
{
    private static CartMesh Mesh => SharedCarts.Mesh;

    [Test, Description("CART-10")]
    public async Task MergeCart_ManyTimesAndAtOnce_TakesTheGuestsCartOverOnce()
    {
        var (buyer, guest) = (TestCaller.Buyer(), TestCaller.Guest());
        var (both, mine, theirs) = (
            await Mesh.OnSaleAsync(),
            await Mesh.OnSaleAsync(),
            await Mesh.OnSaleAsync()
        );
        await Mesh.AddAsync(buyer, both, 2);
        await Mesh.AddAsync(buyer, mine);
        await Mesh.AddAsync(guest, both, 3);
        await Mesh.AddAsync(guest, theirs, 4);
        await Mesh.As(guest).ApplyCouponAsync(new ApplyCouponRequest { Code = "SAVE10" });

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => MergeAsync(buyer, guest)));
        var merged = await MergeAsync(buyer, guest);

        Assert.That(
            merged.Items.Select(line => (line.Sku, line.Quantity)),
            Is.EqualTo(
                new[] { (both.Variants[0].Sku, 5), (mine.Variants[0].Sku, 1), (theirs.Variants[0].Sku, 4) }
            )
        );
        Assert.That(merged.Coupons, Is.EqualTo(new[] { "SAVE10" }));
        Assert.That(merged.UserId, Is.EqualTo(buyer.UserId));
        Assert.That(await Mesh.GetAsync(buyer), Is.EqualTo(merged));
        Assert.That(await Mesh.GetAsync(guest), Is.EqualTo(new Souk.Cart.V1.Cart { UserId = guest.UserId }));
    }

    [Test, Description("CART-10")]
    public async Task MergeCart_WhileTheGuestGoesOnAdding_LosesAndDoublesNothing()
    {
        var (buyer, guest) = (TestCaller.Buyer(), TestCaller.Guest());
        var phone = await Mesh.OnSaleAsync();

        var adds = Enumerable.Range(0, 20).Select(_ => Mesh.AddAsync(guest, phone));
        var merges = Enumerable.Range(0, 20).Select(_ => MergeAsync(buyer, guest));
        await Task.WhenAll(adds.Concat(merges));

        Assert.That((await MergeAsync(buyer, guest)).Items.Single().Quantity, Is.EqualTo(20));
    }

    [Test, Description("CART-10")]
    public async Task MergeCart_IntoTwoBuyersAtOnce_GivesEachUnitToOne()
    {
        var (one, two, guest) = (TestCaller.Buyer(), TestCaller.Buyer(), TestCaller.Guest());
        await Mesh.AddAsync(guest, await Mesh.OnSaleAsync(), 5);

        await Task.WhenAll(MergeAsync(one, guest), MergeAsync(two, guest));

        var lines = (await Mesh.GetAsync(one)).Items.Concat((await Mesh.GetAsync(two)).Items);
        Assert.That(lines.Sum(line => line.Quantity), Is.EqualTo(5));
    }

    [Test, Description("CART-10")]
    public async Task MergeCart_AfterOneThatWasCutOff_FinishesThatOne()
    {
        var (first, second, guest) = (TestCaller.Buyer(), TestCaller.Buyer(), TestCaller.Guest());
        await Mesh.AddAsync(guest, await Mesh.OnSaleAsync(), 5);
        await Mesh
            .Service.Get<CartStore>()
            .ChangeAsync(
                guest.UserId,
                cart => GuestCarts.SetAside(cart, "move_1", first.UserId),
                CancellationToken.None
            );
        await Mesh.AddAsync(guest, await Mesh.OnSaleAsync(), 3);

        var merged = await MergeAsync(second, guest);

        Assert.That((await Mesh.GetAsync(first)).Items.Single().Quantity, Is.EqualTo(5));
        Assert.That(merged.Items.Single().Quantity, Is.EqualTo(3));
        Assert.That((await Mesh.GetAsync(guest)).Items, Is.Empty);
    }

    [Test, Description("CART-10")]
    public async Task MergeCart_MoreThanTheMostOfASku_IsCutThere()
    {
        var (buyer, guest) = (TestCaller.Buyer(), TestCaller.Guest());
        var phone = await Mesh.OnSaleAsync();
        await Mesh.AddAsync(buyer, phone, 60);
        await Mesh.AddAsync(guest, phone, 60);

        Assert.That((await MergeAsync(buyer, guest)).Items.Single().Quantity, Is.EqualTo(99));
    }

    [Test, Description("CART-10")]
    public async Task MergeCart_IntoNoCart_KeepsTheGuestsLines()
    {
        var (buyer, guest) = (TestCaller.Buyer(), TestCaller.Guest());
        var cart = await Mesh.AddAsync(guest, await Mesh.OnSaleAsync("10", "EUR"));

        var merged = await MergeAsync(buyer, guest);

        Assert.That((merged.Items, merged.Currency), Is.EqualTo((cart.Items, "EUR")));
    }

    [Test, Description("CART-10")]
    public async Task MergeCart_TokenThatIsNoGuests_FailsWithTokenInvalid()
    {
        var (buyer, other) = (TestCaller.Buyer(), TestCaller.Buyer());
        await Mesh.AddAsync(other, await Mesh.OnSaleAsync());

        foreach (var token in new[] { Mesh.Mesh.Tokens.Mint(other), "no token at all" })
            Assert.That(
                await Failure.OfAsync(() =>
                    Mesh.As(buyer).MergeCartAsync(new MergeCartRequest { GuestToken = token })
                ),
                Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_INVALID"))
            );
        Assert.That((await Mesh.GetAsync(other)).Items, Has.Count.EqualTo(1));
    }

    [Test, Description("CART-10")]
    public async Task MergeCart_WithoutAGuestToken_FailsWithFieldRequired() =>
        Assert.That(
            await Failure.OfAsync(() => Mesh.As(TestCaller.Buyer()).MergeCartAsync(new MergeCartRequest())),
            Is.EqualTo(new Failure(StatusCode.InvalidArgument, "FIELD_REQUIRED"))
        );

    [Test, Description("CART-10")]
    public async Task MergeCart_ByAGuest_FailsWithRoleRequired()
    {
        var guest = TestCaller.Guest();
        Assert.That(
            await Failure.OfAsync(() => MergeAsync(guest, TestCaller.Guest())),
            Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED"))
        );
    }

    private static async Task<Souk.Cart.V1.Cart> MergeAsync(TestCaller caller, TestCaller guest) =>
        await Mesh.As(caller)
            .MergeCartAsync(new MergeCartRequest { GuestToken = Mesh.Mesh.Tokens.Mint(guest) });
}
