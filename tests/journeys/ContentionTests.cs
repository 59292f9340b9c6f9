using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>Many at the same instant, through REST.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class ContentionTests : Journey
{
    [TestCase(10, 1)]
    [TestCase(100, 10)]
    [Description("V5: more buyers than units")]
    public async Task Checkout_MoreBuyersThanUnits_SellsEachUnitOnce(int buyers, int units)
    {
        var goods = await Shop.GoodsAsync(units);
        var crowd = await Shop.CrowdAsync(buyers);
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var orders = crowd
            .Select(async buyer =>
            {
                await start.Task;
                return await BuyAsync(buyer, goods);
            })
            .ToList();

        start.SetResult();
        var replies = await Task.WhenAll(orders);

        var sold = replies.Where(reply => reply.Status < 400).ToList();
        var refused = replies.Where(reply => reply.Status >= 400).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(
                sold.Select(reply => reply.Text("status")),
                Is.EqualTo(Enumerable.Repeat("confirmed", units))
            );
            Assert.That(refused, Has.Count.EqualTo(buyers - units));
            Assert.That(
                refused.Select(reply => (reply.Status, reply.Text("code"), reply.Reason)),
                Is.All.EqualTo((409, "ABORTED", "OUT_OF_STOCK"))
            );
        });
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((0, 0)));
        foreach (var order in await Books.OrdersOfAsync(goods.Sku))
        {
            var outcome = await SettledAsync(order);
            var isSold = outcome.Status == "confirmed";
            Assert.That(
                (outcome.Charged, outcome.Taken),
                Is.EqualTo((isSold ? outcome.Total : 0, isSold ? 1 : 0))
            );
        }
    }

    /// <summary>
    /// Buys as a patient app does: a machine that is too slow for a hundred at once is no answer, nor is an
    /// order that is still under way.
    /// </summary>
    private static async Task<Reply> BuyAsync(Person buyer, Goods goods)
    {
        var call = Orders.Place(goods) with { Wait = 25 };
        Reply reply;
        do reply = await buyer.InsistAsync(call);
        while (reply.Text("status") == "pending");
        return reply;
    }

    [Test]
    [Description("X-09: one key, one order, one charge, one answer")]
    public async Task Checkout_SameKeyFiftyTimes_SellsOnce()
    {
        const int times = 50;
        var goods = await Shop.GoodsAsync(stock: times);
        var buyer = await Shop.BuyerAsync();
        var key = Guid.CreateVersion7().ToString();

        var replies = await Task.WhenAll(Enumerable.Range(0, times).Select(_ => OrderAsync()));

        Assert.That(replies.Select(reply => reply.Status), Is.All.EqualTo(200));
        Assert.That(replies.Select(reply => reply.Text("status")), Is.All.EqualTo("confirmed"));
        Assert.That(replies.Select(reply => reply.Body!.ToJsonString()).Distinct().Count(), Is.EqualTo(1));
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((times - 1, 0)));
        var order = (await Books.OrdersOfAsync(goods.Sku)).Single();
        Assert.That((await SettledAsync(order)).Charged, Is.EqualTo(2700));
        Assert.That(
            await Books.CountAsync(
                "payments",
                """
                select count(*) from payments p join simulator_charge c on c.charge_key = p.checkout_id::text
                 where p.user_id = $1
                """,
                buyer.UserId
            ),
            Is.EqualTo(1)
        );

        var other = await buyer.SendAsync(Orders.Place(goods, "tok_slow") with { Key = key });
        Assert.That((other.Status, other.Reason), Is.EqualTo((409, "IDEMPOTENCY_MISMATCH")));

        Task<Reply> OrderAsync() => buyer.SendAsync(Orders.Place(goods) with { Key = key, Wait = 25 });
    }

    [Test]
    [Description("CART-07, ORD-01: a price that is no longer what the buyer agreed to")]
    public async Task Checkout_PriceChanged_IsRefusedWithBothPrices()
    {
        // Enough for every order that is made before the cart hears of the new price.
        var goods = await Shop.GoodsAsync(stock: 10_000, price: 20m);
        var buyer = await Shop.BuyerAsync();
        await Shop.RepriceAsync(goods, price: 22m);
        var body = Orders.Body(goods);
        body["items"]![0]!["price"] = 20m;

        Reply? reply = null;
        // The cart may price by what it heard of the product moments ago; then the order is another buyer's
        // luck.
        await Eventually(
            async () =>
            {
                reply = await buyer.PostAsync(Orders.Path, JsonNode.Parse(body.ToJsonString()));
                return reply.Status == 409;
            },
            "the new price"
        );

        Assert.That((reply!.Reason, reply.Text("code")), Is.EqualTo(("PRICE_CHANGED", "ABORTED")));
        Assert.That(
            (reply["metadata"]!["old"]!.ToString(), reply["metadata"]!["new"]!.ToString()),
            Is.EqualTo(("20.00", "22.00"))
        );
    }
}
