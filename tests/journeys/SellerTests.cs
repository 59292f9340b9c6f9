using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>What becomes of a seller's goods while the shop lets the seller sell nothing.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class SellerTests : Journey
{
    private static readonly (int, string) Refused = (400, "SELLER_INACTIVE");

    [Test]
    [Description("CART-02, SEL-01: suspended, nothing of theirs is sold; active again, all is")]
    public async Task Seller_SuspendedThenActive_SellsOnlyWhileActive()
    {
        var seller = await Shop.NewSellerAsync();
        var goods = await Shop.GoodsAsync(stock: 3, seller: seller);
        var buyer = await Shop.BuyerAsync();
        (await buyer.AddToCartAsync(goods)).Ok();

        await SetStatusAsync(seller, "suspended");
        // Asked by what changes nothing: each unit put into the cart meanwhile would be ordered in the end.
        await Eventually(
            async () => (await buyer.GetAsync("/api/v1/cart/summary")).Reason == "SELLER_INACTIVE",
            "the seller's suspension in the carts"
        );
        var refused = new[]
        {
            await buyer.AddToCartAsync(goods),
            await buyer.GetAsync("/api/v1/cart/summary"),
            await buyer.OrderAsync(goods: null),
            await buyer.OrderAsync(goods),
        };
        Assert.That(refused.Select(reply => (reply.Status, reply.Reason)), Is.All.EqualTo(Refused));
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((3, 0)));

        await SetStatusAsync(seller, "active");
        await Eventually(
            async () => (await buyer.GetAsync("/api/v1/cart/summary")).Status == 200,
            "the seller's return in the carts"
        );
        Assert.That((await buyer.OrderAsync(goods: null)).Ok().Text("status"), Is.EqualTo("confirmed"));
    }

    [Test]
    [Description("X-05: nobody but the shop's operators says who sells")]
    public async Task Seller_ByThemselves_CannotChangeTheirStatus()
    {
        var seller = await Shop.NewSellerAsync();
        var reply = await seller.SendAsync(StatusCall(seller, "active"));
        Assert.That((reply.Status, reply.Reason), Is.EqualTo((403, "ROLE_REQUIRED")));
    }

    private static async Task SetStatusAsync(Person seller, string status)
    {
        var reply = (await Shop.Operator.SendAsync(StatusCall(seller, status))).Ok();
        Assert.That((reply.Text("seller_id"), reply.Text("status")), Is.EqualTo((seller.UserId, status)));
    }

    private static Call StatusCall(Person seller, string status) =>
        Call.Put($"/api/v1/sellers/{seller.UserId}/status", new JsonObject { ["status"] = status });
}
