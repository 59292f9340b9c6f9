using Grpc.Core;
using Souk.Cart.V1;
using Souk.Catalog.V1;
using Souk.Identity.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Cart;

/// <summary>Nothing of a suspended seller gets into a cart or out of one.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class SellersTests
{
    private static readonly Failure Inactive = new(StatusCode.FailedPrecondition, "SELLER_INACTIVE");

    private static CartMesh Mesh => SharedCarts.Mesh;

    [Test, Description("CART-02")]
    public async Task AddCartItem_SuspendedSeller_FailsWithSellerInactive()
    {
        var (seller, phone) = await OnSaleAsync();
        await TellAsync(seller, SellerStatus.Suspended, 1);

        var failure = await Failure.OfAsync(() => Mesh.AddAsync(TestCaller.Buyer(), phone));

        Assert.That(failure, Is.EqualTo(Inactive));
        Assert.That(
            (failure.Metadata["sku"], failure.Metadata["seller_id"]),
            Is.EqualTo((phone.Variants[0].Sku, seller.UserId))
        );
        // Nobody else's goods are any worse for it.
        await Mesh.AddAsync(TestCaller.Buyer(), await Mesh.OnSaleAsync());
    }

    [Test, Description("CART-02, CART-09")]
    public async Task RestoreCartItem_SuspendedSeller_FailsWithSellerInactive()
    {
        var buyer = TestCaller.Buyer();
        var (seller, phone) = await OnSaleAsync();
        var itemId = (await Mesh.AddAsync(buyer, phone)).Items.Single().ItemId;
        await Mesh.As(buyer).SaveCartItemAsync(new SaveCartItemRequest { ItemId = itemId });
        await TellAsync(seller, SellerStatus.Suspended, 1);

        Assert.That(
            await Failure.OfAsync(async () =>
                await Mesh.As(buyer).RestoreCartItemAsync(new RestoreCartItemRequest { ItemId = itemId })
            ),
            Is.EqualTo(Inactive)
        );
    }

    [Test, Description("CART-02, CART-06")]
    public async Task QuoteItems_SellerSuspendedMeanwhile_FailsUntilTheLineIsGone()
    {
        var buyer = TestCaller.Buyer();
        var (seller, phone) = await OnSaleAsync();
        var lineId = (await Mesh.AddAsync(buyer, phone)).Items.Single().ItemId;
        await Mesh.AddAsync(buyer, await Mesh.OnSaleAsync("10"));
        await TellAsync(seller, SellerStatus.Suspended, 1);

        var ofCart = new QuoteItemsRequest { UserId = buyer.UserId };
        var ofItem = new QuoteItemsRequest
        {
            UserId = buyer.UserId,
            Items =
            {
                new QuoteItem { ProductId = phone.ProductId, Quantity = 1 },
            },
        };
        Assert.That(await Failure.OfAsync(() => Mesh.SummaryAsync(buyer)), Is.EqualTo(Inactive));
        foreach (var quote in new[] { ofCart, ofItem })
            Assert.That(
                await Failure.OfAsync(async () => await Mesh.Services.QuoteItemsAsync(quote)),
                Is.EqualTo(Inactive)
            );

        await Mesh.As(buyer).RemoveCartItemAsync(new RemoveCartItemRequest { ItemId = lineId });
        Assert.That((await Mesh.SummaryAsync(buyer)).Total.MinorUnits, Is.EqualTo(1080));
    }

    [Test, Description("CART-02")]
    public async Task SellerChanged_OutOfOrderAndTwice_LeavesTheNewest()
    {
        var buyer = TestCaller.Buyer();
        var (seller, phone) = await OnSaleAsync();
        await TellAsync(seller, SellerStatus.Active, 2);
        await TellAsync(seller, SellerStatus.Suspended, 1);
        await Mesh.AddAsync(buyer, phone);

        await TellAsync(seller, SellerStatus.Suspended, 3);
        await TellAsync(seller, SellerStatus.Active, 2);

        Assert.That(await Failure.OfAsync(() => Mesh.AddAsync(buyer, phone)), Is.EqualTo(Inactive));
    }

    private static async Task<(TestCaller Seller, Product Product)> OnSaleAsync()
    {
        var seller = TestCaller.Seller();
        return (seller, await Mesh.OnSaleAsync(CartMesh.Phone(), seller));
    }

    private static async Task TellAsync(TestCaller seller, SellerStatus status, long version)
    {
        var changed = new SellerChanged
        {
            SellerId = seller.UserId,
            Status = status,
            Version = version,
        };
        await Mesh.Mesh.Bus.DeliverAsync("catalog", CartMesh.Event("seller.changed", changed));
    }
}
