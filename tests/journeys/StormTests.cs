using Souk.Shared;

namespace Souk.Tests.Journeys;

/// <summary>
/// ORD-08, by chance: a crowd buys while everything is killed once, in an order and at moments by seed.
/// </summary>
[NonParallelizable]
internal sealed class StormTests : Journey
{
    private const int Buyers = 20;
    private const int OrdersPerBuyer = 3;
    private const int StockPerSku = 18;
    private static readonly TimeSpan Recovery = TimeSpan.FromMinutes(3);

    // Of sixty orders some meet an empty shelf, some a bad card, and some a provider in a bad mood.
    private static readonly string[] Tokens =
    [
        "tok_success",
        "tok_slow",
        "tok_declined",
        "tok_success",
        "tok_timeout_after_success",
        "cod",
    ];

    [Test]
    [Description("ORD-08, X-10")]
    public async Task Checkout_StormOfKills_ConservesMoneyAndStock()
    {
        var seed = Env.Int("SOUK_TEST_SEED", Random.Shared.Next(1, int.MaxValue));
        await TestContext.Out.WriteLineAsync($"SOUK_TEST_SEED={seed}");
        var random = new Random(seed);
        var shelf = new List<Goods>();
        for (var i = 0; i < OrdersPerBuyer; i++)
            shelf.Add(await Shop.GoodsAsync(StockPerSku));
        var buyers = await Shop.CrowdAsync(Buyers);

        var shopping = buyers.Select((buyer, i) => ShopAsync(buyer, shelf, i, random.Next())).ToList();
        await KillEverythingAsync(random);
        await Mesh.ReviveAsync();
        var replies = (await Task.WhenAll(shopping)).SelectMany(reply => reply).ToList();

        // A buyer hears of a sale, of a sale that failed, or that there is nothing left; never of an order
        // lost.
        Assert.That(
            replies.Select(reply => (reply.Status, reply.Reason)),
            Is.All.EqualTo((200, "")).Or.EqualTo((409, "OUT_OF_STOCK"))
        );
        foreach (var goods in shelf)
            await ConservesAsync(goods);
    }

    private static async Task<List<Reply>> ShopAsync(Person buyer, List<Goods> shelf, int number, int seed)
    {
        var random = new Random(seed);
        var replies = new List<Reply>();
        foreach (var (goods, i) in shelf.Select((goods, i) => (goods, i)))
        {
            await Task.Delay(
                TimeSpan.FromMilliseconds(random.Next(3000)),
                TimeProvider.System,
                CancellationToken.None
            );
            var token = Tokens[(number + i) % Tokens.Length];
            replies.Add(await buyer.InsistAsync(Orders.Place(goods, token) with { Wait = 10 }));
        }
        return replies;
    }

    private static async Task KillEverythingAsync(Random random)
    {
        string[] victims =
        [
            "ordering",
            "payments",
            "inventory",
            "cart",
            LiveMesh.Runtime,
            "redis",
            "postgres",
        ];
        random.Shuffle(victims);
        foreach (var victim in victims)
        {
            var pause = TimeSpan.FromMilliseconds(random.Next(200, 1500));
            await Task.Delay(pause, TimeProvider.System, CancellationToken.None);
            await TestContext.Out.WriteLineAsync($"kill {victim} after {pause.TotalMilliseconds} ms");
            await Mesh.KillAsync(victim);
            await Mesh.StartAsync(victim);
        }
    }

    private static async Task ConservesAsync(Goods goods)
    {
        var sold = 0L;
        foreach (var order in await Books.OrdersOfAsync(goods.Sku))
        {
            var outcome = await SettledAsync(order, Recovery);
            var isSold = outcome.Status == "confirmed";
            Assert.That(outcome.Status, Is.EqualTo("confirmed").Or.EqualTo("failed"));
            var isCash = await IsCashAsync(order);
            Assert.That(
                outcome,
                Is.EqualTo(
                    outcome with
                    {
                        Charged = isSold && !isCash ? outcome.Total : 0,
                        Held = 0,
                        Taken = isSold ? 1 : 0,
                    }
                )
            );
            sold += outcome.Taken;
        }
        Assert.That(await Books.StockAsync(goods.Sku), Is.EqualTo((StockPerSku - sold, 0L)));
    }

    private static async Task<bool> IsCashAsync(Guid order) =>
        await Books.CountAsync(
            "ordering",
            "select count(*) from orders where id = $1 and payment_method = 'cod'",
            order
        ) == 1;
}
