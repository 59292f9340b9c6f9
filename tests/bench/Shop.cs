using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Bench;

/// <summary>The shop over REST, with the people and the stock that the scenarios need.</summary>
internal sealed class Shop : IDisposable
{
    private const int BuyerCount = 40;
    private const int GuestCount = 200;
    private const int ProductCount = 20;
    private const int StockPerProduct = 900_000;

    private readonly HttpClient _http;
    private readonly List<string> _buyerTokens = [];
    private readonly List<string> _guestTokens = [];
    private readonly List<string> _itemIds = []; // one line in each guest's cart
    private readonly List<(string ProductId, string Sku)> _products = [];

    private Shop(HttpClient http) => _http = http;

    /// <summary>Opens the shop: signs people up and lists products with plenty of stock. Bounded and
    /// repeatable.</summary>
    public static async Task<Shop> OpenAsync(
        Uri url,
        string runDirectory,
        CancellationToken cancellationToken
    )
    {
        var handler = new SocketsHttpHandler { MaxConnectionsPerServer = 256, UseProxy = false };
        var shop = new Shop(
            new HttpClient(handler) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(30) }
        );
        await shop.ListProductsAsync(Path.Combine(runDirectory, "accounts.json"), cancellationToken);
        for (var i = 0; i < BuyerCount; i++)
        {
            shop._buyerTokens.Add(await shop.RegisterAsync(cancellationToken));
        }

        for (var i = 0; i < GuestCount; i++)
        {
            var guest = await shop.SendAsync(
                HttpMethod.Post,
                "/api/v1/users/guest",
                null,
                new JsonObject(),
                cancellationToken
            );
            shop._guestTokens.Add(Text(guest, "access_token"));
        }

        await shop.FillCartsAsync(cancellationToken);
        return shop;
    }

    public Task ReadProductAsync(long index, CancellationToken cancellationToken) =>
        SendAsync(
            HttpMethod.Get,
            $"/api/v1/products/{Product(index).ProductId}",
            null,
            null,
            cancellationToken
        );

    /// <summary>Of ten operations, six read a cart, two change a quantity in it, two ask for its
    /// summary.</summary>
    public Task CartOperationAsync(long index, CancellationToken cancellationToken)
    {
        // Each guest in turn, so that one guest's operations seldom overlap, as in life.
        var token = _guestTokens[(int)(index % GuestCount)];
        return ((index / GuestCount + index) % 10) switch
        {
            0 or 5 => SendAsync(
                HttpMethod.Put,
                $"/api/v1/cart/items/{_itemIds[(int)(index % GuestCount)]}",
                token,
                new JsonObject { ["quantity"] = 1 + index % 9 },
                cancellationToken
            ),
            3 or 8 => SendAsync(HttpMethod.Get, "/api/v1/cart/summary", token, null, cancellationToken),
            _ => SendAsync(HttpMethod.Get, "/api/v1/cart", token, null, cancellationToken),
        };
    }

    /// <summary>One unit, by card, and waits until the order is confirmed.</summary>
    public async Task CheckoutAsync(long index, CancellationToken cancellationToken)
    {
        var (productId, sku) = Product(index);
        var order = new JsonObject
        {
            ["items"] = new JsonArray(
                new JsonObject
                {
                    ["product_id"] = productId,
                    ["sku"] = sku,
                    ["quantity"] = 1,
                }
            ),
            ["shipping_address"] = Address(),
            ["payment_method"] = new JsonObject { ["type"] = "card", ["token"] = "tok_success" },
        };
        var reply = await SendAsync(
            HttpMethod.Post,
            "/api/v1/orders",
            _buyerTokens[(int)(index % BuyerCount)],
            order,
            cancellationToken,
            waitSeconds: 20
        );
        var status = Text(reply, "status");
        if (status != "confirmed")
        {
            throw new OperationFailedException($"order {status}");
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Puts one line into each guest's cart, so that a quantity can be changed later.</summary>
    private async Task FillCartsAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < GuestCount; i++)
        {
            var item = new JsonObject { ["sku"] = Product(i).Sku, ["quantity"] = 1 };
            var cart = await SendAsync(
                HttpMethod.Post,
                "/api/v1/cart/items",
                _guestTokens[i],
                item,
                cancellationToken
            );
            _itemIds.Add(Text(cart?["items"]?[0], "item_id"));
        }
    }

    private async Task ListProductsAsync(string accountsFile, CancellationToken cancellationToken)
    {
        var accounts = JsonNode.Parse(await File.ReadAllTextAsync(accountsFile, cancellationToken));
        var seller = await LoginAsync(accounts?["seller"], cancellationToken);
        var run = Guid.CreateVersion7().ToString("N")[..12];
        for (var i = 0; i < ProductCount; i++)
        {
            var sku = $"bench-{run}-{i}";
            var product = await SendAsync(
                HttpMethod.Post,
                "/api/v1/products",
                seller,
                NewProduct(i, sku),
                cancellationToken
            );
            var receipt = new JsonObject
            {
                ["warehouse_id"] = "WH001",
                ["quantity"] = StockPerProduct,
                ["document_id"] = $"bench-{sku}",
            };
            await SendAsync(
                HttpMethod.Post,
                $"/api/v1/inventory/{sku}/receipts",
                seller,
                receipt,
                cancellationToken
            );
            _products.Add((Text(product, "product_id"), sku));
        }
    }

    private async Task<string> RegisterAsync(CancellationToken cancellationToken)
    {
        var person = new JsonObject
        {
            ["name"] = "Bench Buyer",
            ["email"] = $"bench-{Guid.CreateVersion7():N}@example.com",
            ["password"] = $"Bench {Guid.CreateVersion7():N}",
        };
        await SendAsync(HttpMethod.Post, "/api/v1/users/register", null, person, cancellationToken);
        return await LoginAsync(person, cancellationToken);
    }

    private async Task<string> LoginAsync(JsonNode? account, CancellationToken cancellationToken)
    {
        var login = new JsonObject
        {
            ["email"] = Text(account, "email"),
            ["password"] = Text(account, "password"),
        };
        var tokens = await SendAsync(HttpMethod.Post, "/api/v1/users/login", null, login, cancellationToken);
        return Text(tokens, "access_token");
    }

    private async Task<JsonNode?> SendAsync(
        HttpMethod method,
        string path,
        string? token,
        JsonNode? body,
        CancellationToken cancellationToken,
        int waitSeconds = 0
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (method == HttpMethod.Post)
        {
            request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        }

        if (waitSeconds > 0)
        {
            request.Headers.Add("Prefer", $"wait={waitSeconds}");
        }

        request.Content = body is null ? null : JsonContent.Create(body);
        using var response = await _http.SendAsync(request, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        if (response.StatusCode is < HttpStatusCode.OK or >= HttpStatusCode.MultipleChoices)
        {
            var reason = text.StartsWith('{') ? JsonNode.Parse(text)?["reason"]?.ToString() : null;
            throw new OperationFailedException($"{(int)response.StatusCode} {reason}");
        }

        return text.Length == 0 ? null : JsonNode.Parse(text);
    }

    private (string ProductId, string Sku) Product(long index) => _products[(int)(index % ProductCount)];

    private static JsonObject NewProduct(int index, string sku) =>
        new()
        {
            ["name"] = $"Bench product {index}",
            ["description"] =
                "Made for measuring; of the length that a description in a shop usually has, give or take.",
            ["brand"] = "Benchmark",
            ["category"] = new JsonArray("Bench", "Measuring"),
            ["price"] = new JsonObject { ["currency"] = "USD", ["amount"] = 10 + index },
            ["variants"] = new JsonArray(
                new JsonObject
                {
                    ["sku"] = sku,
                    ["attributes"] = new JsonObject { ["size"] = "M" },
                }
            ),
            ["images"] = new JsonArray("https://images.example.com/bench.jpg"),
            ["specifications"] = new JsonObject { ["weight"] = "1 kg", ["material"] = "steel" },
        };

    private static JsonObject Address() =>
        new()
        {
            ["name"] = "Bench Buyer",
            ["line1"] = "1 Main Street",
            ["city"] = "Springfield",
            ["region"] = "IL",
            ["postal_code"] = "62701",
            ["country"] = "US",
        };

    private static string Text(JsonNode? node, string member) =>
        node?[member]?.GetValue<string>() ?? throw new JsonException($"reply lacks {member}");
}
