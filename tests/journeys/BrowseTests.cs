using System.Globalization;
using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>Looking around without an account: quick, and never out of date for long.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class BrowseTests : Journey
{
    // What the gateway keeps while nobody tells it of changes.
    private const int UnheardSeconds = 5;

    [Test]
    [Description("X-17, X-18: the gateway remembers a product until it changes")]
    public async Task GetProduct_WithoutAToken_ComesFromMemoryUntilItChanges()
    {
        var goods = await Shop.GoodsAsync(stock: 3, price: 30m);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{Mesh.Host}") };
        var path = new Uri($"/api/v1/products/{goods.ProductId}", UriKind.Relative);
        // Older than that it gets only once its subscription to cache.invalidate is live.
        await Eventually(async () => (await AgeAsync(http, path)) > UnheardSeconds, "a reply of some age");

        await Shop.RepriceAsync(goods, 20m);
        await Eventually(async () => await PriceAsync(http, path) == 20m, "the new price");
    }

    private static async Task<int> AgeAsync(HttpClient http, Uri path)
    {
        using var response = await http.GetAsync(path);
        response.EnsureSuccessStatusCode();
        return (int)(response.Headers.Age?.TotalSeconds ?? 0);
    }

    private static async Task<decimal> PriceAsync(HttpClient http, Uri path)
    {
        var product = JsonNode.Parse(await http.GetStringAsync(path));
        var amount = product?["price"]?["amount"]?.ToString();
        return decimal.Parse(amount ?? "0", CultureInfo.InvariantCulture);
    }
}
