using System.Text.Json.Nodes;
using Souk.Tests.Harness;

namespace Souk.Tests.Journeys;

/// <summary>
/// The samples of the requirement documents (K28), sent to the mesh as one buyer's way: the requests as the
/// documents have them, the answers as tests/gateway/golden has them, to the letter.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class GoldenTests : Journey
{
    private readonly GoldenFiles _files = new("tests/gateway/golden");
    private readonly Dictionary<string, string> _answers = [];
    private string? _token;

    [OneTimeSetUp]
    public async Task Walk()
    {
        var seller = await Shop.NewSellerAsync();
        await TellAsync("U-01", Call.Post("/api/v1/users/register"));
        var tokens = await TellAsync("U-02", Call.Post("/api/v1/users/login"));
        _token = tokens.Text("access_token");
        await OkAsync(Call.Post("/api/v1/users/addresses", Orders.Address()));
        await TellAsync("U-03", Call.Get("/api/v1/users/profile"));

        var token = await seller.TokenAsync();
        var phone = await TellAsync("CAT-06", Call.Post("/api/v1/products") with { Token = token });
        var laptop = await ListAsync(seller, "gaming-laptop", "Gaming Laptop", "TechBrand", 1299.99m);
        await Eventually(IsPhoneListedAsync, "the phone, to which the laptop is related");
        await TellAsync("CAT-01", Call.Get($"/api/v1/products/{laptop}"));

        await ListAsync(seller, "airpods-pro-2", "AirPods Pro 2", "Apple", 249.99m);
        await Shop.ReceiveAsync(phone.List("variants")[0]["sku"]!.ToString(), 5);
        await FillCartAsync();
        await TellAsync("CART-07", Call.Get("/api/v1/cart"));

        var order = await TellAsync("ORD-01", Call.Post(Orders.Path));
        await SettledAsync(Books.Key(order.Text("order_id")));
        await TellAsync("ORD-02", Call.Get($"{Orders.Path}/{order.Text("order_id")}"));
    }

    [TestCase("U-01")]
    [TestCase("U-02")]
    [TestCase("U-03")]
    [TestCase("CAT-06")]
    [TestCase("CAT-01")]
    [TestCase("CART-07")]
    [TestCase("ORD-01")]
    [TestCase("ORD-02")]
    [Description("K28, U-01, U-02, U-03, CAT-06, CAT-01, CART-07, ORD-01, ORD-02")]
    public void Gateway_SampleOfTheDocuments_IsAnsweredToTheLetter(string row) =>
        _files.Hold($"{row}.response.json", _answers[row]);

    [TestCase("U-03")]
    [TestCase("CAT-06")]
    [TestCase("CAT-01")]
    [TestCase("CART-07")]
    [TestCase("ORD-02")]
    [Description("K28")]
    public void Gateway_SampleOfTheDocuments_HasEachOfItsNames(string row)
    {
        var sample = JsonNode.Parse(_files.Read($"{row}.sample.json"))!;
        Assert.That(Missing(sample, JsonNode.Parse(_answers[row]), "$"), Is.Empty);
    }

    /// <summary>Makes a row's call and keeps what was answered.</summary>
    private async Task<Reply> TellAsync(string row, Call call)
    {
        var request = $"{row}.request.json";
        var body = _files.Has(request) ? _files.Request(request) : call.Body;
        var reply = await Mesh.Rest.SendAsync(call with { Body = body, Token = call.Token ?? _token });
        _answers[row] = _files.Masked(reply.Ok().Raw);
        return reply;
    }

    private async Task<bool> IsPhoneListedAsync()
    {
        var list = Call.Get("/api/v1/products?category=Electronics") with { Token = _token };
        return (await Mesh.Rest.SendAsync(list)).Ok().List("products").Count == 2;
    }

    private async Task OkAsync(Call call) => (await Mesh.Rest.SendAsync(call with { Token = _token })).Ok();

    private async Task FillCartAsync()
    {
        await AddAsync("iphone15pro-256gb-black", 1);
        await AddAsync("airpods-pro-2", 2);
        foreach (var code in new[] { "SAVE10", "FIRSTORDER" })
            await OkAsync(Call.Post("/api/v1/cart/coupons", new JsonObject { ["code"] = code }));

        Task AddAsync(string sku, int quantity) =>
            OkAsync(
                Call.Post("/api/v1/cart/items", new JsonObject { ["sku"] = sku, ["quantity"] = quantity })
            );
    }

    /// <summary>Puts something of one variant on sale; its product id.</summary>
    private static async Task<string> ListAsync(
        Person seller,
        string sku,
        string name,
        string brand,
        decimal price
    )
    {
        var product = Shop.Product(sku, price);
        product["name"] = name;
        product["description"] = $"{name} by {brand}";
        product["brand"] = brand;
        product["category"] = new JsonArray("electronics");
        product["specifications"] = new JsonObject { ["battery"] = "up to 18 hours" };
        var listed = (await seller.InsistAsync(Call.Post("/api/v1/products", product))).Ok();
        await Shop.ReceiveAsync(sku, 5);
        return listed.Text("product_id");
    }

    // An empty list or object of a sample stands for any.
    private static IEnumerable<string> Missing(JsonNode sample, JsonNode? actual, string path) =>
        (sample, actual) switch
        {
            (JsonObject wanted, JsonObject found) => wanted.SelectMany(member =>
                found.ContainsKey(member.Key)
                    ? Missing(member.Value!, found[member.Key], $"{path}.{member.Key}")
                    : [$"{path}.{member.Key}"]
            ),
            (JsonArray wanted, JsonArray found) => wanted
                .Zip(found)
                .SelectMany((pair, at) => Missing(pair.First!, pair.Second, $"{path}[{at}]")),
            _ => [],
        };
}
