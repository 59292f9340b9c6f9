using System.Globalization;
using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>The staff of the live mesh, its goods, and people to buy them.</summary>
internal sealed class Shop : IDisposable
{
    private readonly Rest _rest;
    private readonly SemaphoreSlim _door = new(1, 1);
    private readonly List<Person> _crowd = [];

    private Shop(Rest rest, Person seller, Person staff, Person admin)
    {
        _rest = rest;
        Seller = seller;
        Operator = staff;
        Admin = admin;
    }

    internal Person Seller { get; }

    internal Person Operator { get; }

    internal Person Admin { get; }

    internal static async Task<Shop> OpenAsync(LiveMesh mesh) =>
        new(
            mesh.Rest,
            await Person.LoginAsync(mesh.Rest, LiveMesh.EmailOf("seller"), mesh.Password),
            await Person.LoginAsync(mesh.Rest, LiveMesh.EmailOf("operator"), mesh.Password),
            await Person.LoginAsync(mesh.Rest, LiveMesh.EmailOf("admin"), mesh.Password)
        );

    /// <summary>Somebody new.</summary>
    internal Task<Person> BuyerAsync() => Person.RegisterAsync(_rest);

    /// <summary>
    /// Different people for tests that need many and mind nothing of what they did before: an account costs
    /// a password hash, on purpose an expensive one.
    /// </summary>
    internal async Task<IReadOnlyList<Person>> CrowdAsync(int count)
    {
        await _door.WaitAsync();
        try
        {
            while (_crowd.Count < count)
                _crowd.Add(await BuyerAsync());
            return _crowd.GetRange(0, count);
        }
        finally
        {
            _door.Release();
        }
    }

    /// <summary>Lists a product of one variant, with stock.</summary>
    internal async Task<Goods> GoodsAsync(int stock, decimal price = 25m, Person? seller = null)
    {
        var sku = $"sku-{Guid.CreateVersion7():N}";
        var listing = Call.Post("/api/v1/products", Product(sku, price));
        var product = (await (seller ?? Seller).InsistAsync(listing)).Ok();
        await ReceiveAsync(sku, stock);
        return new Goods(product.Text("product_id"), sku);
    }

    /// <summary>A seller of their own for a test that takes something from them.</summary>
    internal async Task<Person> NewSellerAsync()
    {
        var person = await BuyerAsync();
        var roles = new JsonObject { ["roles"] = new JsonArray("buyer", "seller") };
        (await Admin.SendAsync(Call.Put($"/api/v1/users/{person.UserId}/roles", roles))).Ok();
        return await person.SignInAgainAsync();
    }

    internal async Task ReceiveAsync(string sku, int quantity)
    {
        var receipt = Call.Post($"/api/v1/inventory/{sku}/receipts", Receipt(quantity));
        (await Operator.InsistAsync(receipt)).Ok();
    }

    internal static JsonObject Receipt(int quantity) =>
        new()
        {
            ["warehouse_id"] = "WH001",
            ["quantity"] = quantity,
            ["document_id"] = $"delivery-{Guid.CreateVersion7():N}",
        };

    /// <summary>Changes the price of what is on sale.</summary>
    internal async Task RepriceAsync(Goods goods, decimal price)
    {
        var path = $"/api/v1/products/{goods.ProductId}";
        var product = (await Seller.GetAsync(path)).Ok();
        var changed = Product(goods.Sku, price);
        changed["etag"] = product.Text("etag");
        (await Seller.SendAsync(Call.Put(path, changed))).Ok();
    }

    public void Dispose() => _door.Dispose();

    internal static JsonObject Product(string sku, decimal price) =>
        new()
        {
            ["name"] = string.Create(CultureInfo.InvariantCulture, $"Journey's lamp {sku[^6..]}"),
            ["description"] = "Bright, and easy to carry.",
            ["brand"] = "Wayfarer",
            ["category"] = new JsonArray("Journeys", "Lamps"),
            ["price"] = new JsonObject { ["currency"] = "USD", ["amount"] = price },
            ["variants"] = new JsonArray(
                new JsonObject
                {
                    ["sku"] = sku,
                    ["attributes"] = new JsonObject { ["color"] = "brass" },
                }
            ),
        };
}
