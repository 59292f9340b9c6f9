namespace Souk.Tests.Journeys;

/// <summary>
/// ORD-08: SIGKILL of anything at any step of a checkout, then restart. One kill hits nine checkouts, each
/// of which stands still in another step; what became of them is read from the databases and the provider's
/// books.
/// </summary>
[NonParallelizable]
internal sealed class KillTests : Journey
{
    private const int Stock = 100;
    private static readonly TimeSpan Recovery = TimeSpan.FromMinutes(3);
    private readonly Dictionary<Halt, Goods> _goods = [];
    private IReadOnlyList<Person> _people = [];

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        foreach (var halt in Enum.GetValues<Halt>())
            _goods[halt] = await Shop.GoodsAsync(Stock);
        _people = await Shop.CrowdAsync(_goods.Count);
    }

    [TestCase("ordering")]
    [TestCase("payments")]
    [TestCase("inventory")]
    [TestCase(LiveMesh.Runtime)]
    [TestCase("redis")]
    [TestCase("postgres")]
    [Description("ORD-08")]
    public async Task Checkout_KilledAtEveryStep_EndsPaidOnceOrNotAtAll(string victim)
    {
        var stockBefore = await StocksAsync();
        var walks = await Task.WhenAll(
            _goods.Zip(_people, (goods, buyer) => Walk.ToAsync(goods.Key, Books, buyer, goods.Value))
        );
        await walks.Single(walk => walk.Halt == Halt.Clearing).DisposeAsync();
        await Mesh.KillAsync(victim);
        foreach (var walk in walks)
            await walk.DisposeAsync();
        await Mesh.RestartAsync(victim);

        var outcomes = new Dictionary<Halt, Outcome>();
        foreach (var walk in walks)
            outcomes[walk.Halt] = await SettledAsync(walk.Key, Recovery);

        Assert.Multiple(() =>
        {
            foreach (var (halt, outcome) in outcomes)
                Assert.That(outcome, Is.EqualTo(Expected(halt, outcome.Total)), $"{victim} killed at {halt}");
        });
        await ChecksBuyersAsync(walks);
        var sold = walks.ToDictionary(walk => walk.Halt, walk => walk.Halt == Halt.Cancelling ? 0 : 1);
        Assert.That(
            await StocksAsync(),
            Is.EqualTo(
                stockBefore.ToDictionary(
                    stock => stock.Key,
                    stock => (stock.Value.Item1 - sold[stock.Key], 0L)
                )
            )
        );
    }

    [Test]
    [Description("ORD-08: after a restart of PostgreSQL every pool is full of dead connections")]
    public async Task Calls_EveryConnectionOfPostgresDropped_AreAnsweredAllTheSame()
    {
        var goods = await Shop.GoodsAsync(stock: 5);
        var buyer = _people[0];
        var path = $"/api/v1/products/{goods.ProductId}";
        for (var round = 0; round < 3; round++)
        {
            await Books.DropConnectionsAsync();
            var replies = new[]
            {
                await Shop.Seller.SendAsync(
                    Call.Post("/api/v1/products", Shop.Product($"{goods.Sku}{round}", 5m))
                ),
                await Shop.Seller.GetAsync(path),
                await Shop.Operator.PostAsync($"/api/v1/inventory/{goods.Sku}/receipts", Shop.Receipt(1)),
                await buyer.AddToCartAsync(goods),
                await buyer.OrderAsync(goods),
            };
            Assert.That(replies.Select(reply => reply.Ok().Status), Is.All.EqualTo(200));
            Assert.That(replies[^1].Text("status"), Is.EqualTo("confirmed"));
            await Books.DropConnectionsAsync();
            await Shop.RepriceAsync(goods, 30m + round);
        }
    }

    // Nothing that was killed is a reason to refuse the sale; only the buyer's own word ends one otherwise.
    private static Outcome Expected(Halt halt, long total) =>
        halt == Halt.Cancelling
            ? new Outcome("cancelled", IsSettled: true, total, Charged: 0, Held: 0, Taken: 0)
            : new Outcome("confirmed", IsSettled: true, total, Charged: total, Held: 0, Taken: 1);

    private static async Task ChecksBuyersAsync(IEnumerable<Walk> walks)
    {
        foreach (var walk in walks)
        {
            // Their own call, repeated with the same key, answered with the one order that they made.
            var answer = await walk.Answer;
            Assert.That(answer.Status, Is.EqualTo(200), answer.ToString());
            Assert.That(Books.Key(answer.Text("order_id")), Is.EqualTo(walk.Key));
            if (walk.Halt == Halt.Cancelling)
            {
                var left = (await walk.Buyer.GetAsync("/api/v1/cart")).Ok().List("items").Single();
                await walk.Buyer.SendAsync(Call.Delete($"/api/v1/cart/items/{left["item_id"]}"));
            }
            else
            {
                await Eventually(
                    async () => (await walk.Buyer.GetAsync("/api/v1/cart")).Ok().List("items").Count == 0,
                    $"the cart of {walk.Halt} cleared"
                );
            }
        }
    }

    private async Task<Dictionary<Halt, (long, long)>> StocksAsync()
    {
        var stocks = new Dictionary<Halt, (long, long)>();
        foreach (var (halt, goods) in _goods)
            stocks[halt] = await Books.StockAsync(goods.Sku);
        return stocks;
    }
}
