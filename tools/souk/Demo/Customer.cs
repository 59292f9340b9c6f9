using System.Globalization;
using System.Text.Json.Nodes;

namespace Souk.Tool.Demo;

/// <summary>A new customer of the shop and what they do in it over REST.</summary>
internal sealed class Customer(ShopClient shop, Session session)
{
    private const int UnitsWanted = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    // A cache or an event may lag by 5 seconds; checkout itself takes far less.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task<Customer> RegisterAsync(ShopClient shop, CancellationToken cancel)
    {
        var tag = System.Convert.ToHexStringLower(
            System.Security.Cryptography.RandomNumberGenerator.GetBytes(5)
        );
        var account = new Account($"demo-{tag}@souk.example", $"Demo-{tag}-7");
        DemoScript.Step("Register");
        var body = new JsonObject
        {
            ["name"] = "Dana Demo",
            ["email"] = account.Email,
            ["password"] = account.Password,
        };
        var registered = await shop.PostAsync("/api/v1/users/register", body, null, cancel);
        // The address is new in each run: it can only be taken by a try of ours whose answer was lost.
        if (registered.Status != 409)
            registered.Expect("register");
        DemoScript.Tell(account.Email);
        DemoScript.Step("Log in");
        var session = await shop.LoginAsync(account, cancel);
        DemoScript.Tell($"{session.UserId}, access token of {session.AccessToken.Length} characters");
        return new Customer(shop, session);
    }

    /// <summary>Two products of one currency that are in stock.</summary>
    public async Task<IReadOnlyList<ShelfItem>> BrowseAsync(CancellationToken cancel)
    {
        DemoScript.Step("Browse");
        var found = await UntilAsync(FindInStockAsync, items => items.Count == 2, cancel);
        DemoScript.Check(found.Count == 2, "two products are in stock", $"{found.Count}");
        foreach (var item in found)
            DemoScript.Tell($"{item.Name}, {item.Price} {item.Currency}, {item.Sku}");
        return found;
    }

    public Task<JsonNode> GetAsync(string path, CancellationToken cancel) =>
        ExpectAsync(HttpMethod.Get, path, null, cancel);

    public Task<JsonNode> PostAsync(string path, JsonObject body, CancellationToken cancel) =>
        ExpectAsync(HttpMethod.Post, path, body, cancel);

    /// <summary>Places an order, of the given item or else of the cart; a wait makes the answer its final
    /// state.</summary>
    public async Task<JsonNode> OrderAsync(ShelfItem? item, int? waitSeconds, CancellationToken cancel)
    {
        var body = new JsonObject
        {
            ["shipping_address"] = new JsonObject
            {
                ["name"] = "Dana Demo",
                ["line1"] = "12 Lantern Row",
                ["city"] = "Portland",
                ["region"] = "OR",
                ["postal_code"] = "97201",
                ["country"] = "US",
            },
            ["payment_method"] = new JsonObject { ["type"] = "card", ["token"] = "tok_success" },
        };
        if (item is not null)
            body["items"] = new JsonArray(item.Line(1));
        var request = new ShopRequest(HttpMethod.Post, "/api/v1/orders")
        {
            Body = body,
            Session = session,
            IdempotencyKey = Guid.CreateVersion7(),
            WaitSeconds = waitSeconds,
        };
        return (await shop.SendAsync(request, cancel)).Expect("place the order");
    }

    public async Task<long> AvailableAsync(ShelfItem item, CancellationToken cancel) =>
        (await StockAsync(item.Sku, cancel))?["available"].AsLong() ?? 0;

    /// <summary>Asks again until the answer is as wanted; the last answer when patience ends.</summary>
    public static async Task<T> UntilAsync<T>(
        Func<CancellationToken, Task<T>> ask,
        Func<T, bool> wanted,
        CancellationToken cancel
    )
    {
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (true)
        {
            var answer = await ask(cancel);
            if (wanted(answer) || clock.GetElapsedTime(start) > Patience)
                return answer;
            await Task.Delay(Pause, clock, cancel);
        }
    }

    private async Task<IReadOnlyList<ShelfItem>> FindInStockAsync(CancellationToken cancel)
    {
        var page = await GetAsync("/api/v1/products?page_size=50", cancel);
        var found = new List<ShelfItem>();
        foreach (var product in page["products"] as JsonArray ?? [])
        {
            var item = ShelfItem.Of(product);
            if (
                item is not null
                && item.Currency == "USD"
                && (await StockAsync(item.Sku, cancel))?["available"].AsLong() >= UnitsWanted
            )
            {
                found.Add(item);
            }
            if (found.Count == 2)
                break;
        }
        return found;
    }

    /// <summary>Null for a SKU that no warehouse ever received.</summary>
    private async Task<JsonNode?> StockAsync(string sku, CancellationToken cancel)
    {
        var reply = await shop.GetAsync($"/api/v1/inventory/{Uri.EscapeDataString(sku)}", session, cancel);
        return reply.Status == 404 ? null : reply.Expect($"stock of {sku}");
    }

    private async Task<JsonNode> ExpectAsync(
        HttpMethod method,
        string path,
        JsonObject? body,
        CancellationToken cancel
    )
    {
        var request = new ShopRequest(method, path)
        {
            Body = body,
            Session = session,
            IdempotencyKey = method == HttpMethod.Post ? Guid.CreateVersion7() : null,
        };
        return (await shop.SendAsync(request, cancel)).Expect(
            string.Create(CultureInfo.InvariantCulture, $"{method} {path}")
        );
    }
}
