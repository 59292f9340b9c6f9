using System.Text;
using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>
/// whatever is sent, the answer is a documented refusal with a reason, and nothing has changed.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class BadInputTests : Journey
{
    private Goods _goods = null!;
    private Person _buyer = null!;

    [OneTimeSetUp]
    public async Task PrepareAsync()
    {
        _goods = await Shop.GoodsAsync(stock: 5);
        _buyer = await Shop.BuyerAsync();
    }

    /// <summary>How to spoil a good order, and what must come of it.</summary>
    private static IEnumerable<TestCaseData> SpoiledOrders()
    {
        yield return Spoiled("unknown field", 400, "UNKNOWN_FIELD", body => body["colour"] = "red");
        yield return Spoiled(
            "unknown nested field",
            400,
            "UNKNOWN_FIELD",
            body => Item(body)["colour"] = "red"
        );
        yield return Spoiled(
            "text for a number",
            400,
            "INVALID_FIELD",
            body => Item(body)["quantity"] = "many"
        );
        yield return Spoiled(
            "list for an object",
            400,
            "INVALID_FIELD",
            body => body["payment_method"] = new JsonArray()
        );
        yield return Spoiled("negative quantity", 400, "INVALID_FIELD", body => Item(body)["quantity"] = -1);
        yield return Spoiled(
            "quantity beyond int32",
            400,
            "INVALID_FIELD",
            body => Item(body)["quantity"] = 1e12
        );
        yield return Spoiled("quantity zero", 400, null, body => Item(body)["quantity"] = 0);
        yield return Spoiled("hundred of one", 400, "INVALID_FIELD", body => Item(body)["quantity"] = 100);
        yield return Spoiled(
            "a million characters",
            400,
            "INVALID_FIELD",
            body => body["shipping_address"]!["name"] = new string('x', 1_000_000)
        );
        yield return Spoiled("no address", 400, "FIELD_REQUIRED", body => body.Remove("shipping_address"));
        yield return Spoiled(
            "country of three letters",
            400,
            "INVALID_FIELD",
            body => body["shipping_address"]!["country"] = "USA"
        );
        yield return Spoiled(
            "unknown payment method",
            400,
            "INVALID_FIELD",
            body => body["payment_method"]!["type"] = "shells"
        );
        yield return Spoiled(
            "card without token",
            400,
            "INVALID_FIELD",
            body => ((JsonObject)body["payment_method"]!).Remove("token")
        );
        yield return Spoiled(
            "somebody else's account",
            403,
            "NOT_YOUR_ACCOUNT",
            body => body["user_id"] = $"user_{Guid.CreateVersion7():N}"
        );
        yield return Spoiled(
            "unknown sku",
            404,
            "RESOURCE_NOT_FOUND",
            body => Item(body)["sku"] = "no-such-thing"
        );
        yield return Spoiled(
            "sql in a sku",
            404,
            "RESOURCE_NOT_FOUND",
            body => Item(body)["sku"] = "'; drop table orders; --"
        );
        yield return Spoiled("nothing to buy", 400, "CART_EMPTY", body => body.Remove("items"));
    }

    [TestCaseSource(nameof(SpoiledOrders))]
    public async Task CreateOrder_SpoiledBody_IsRefusedWithItsReason(
        Action<JsonObject> spoil,
        int status,
        string? reason
    )
    {
        var body = Orders.Body(_goods);
        spoil(body);
        await RefusesAsync(Call.Post(Orders.Path, body), status, reason);
    }

    [TestCase("{", "MALFORMED_JSON")]
    [TestCase("", "FIELD_REQUIRED")]
    [TestCase("[]", "INVALID_FIELD")]
    [TestCase("null", null)]
    [TestCase("\"order\"", "INVALID_FIELD")]
    [TestCase("{\"items\": [}", "MALFORMED_JSON")]
    public async Task CreateOrder_BrokenJson_IsRefusedWithItsReason(string body, string? reason) =>
        await RefusesAsync(Call.Post(Orders.Path) with { Body = body }, 400, reason);

    [TestCase(null, "IDEMPOTENCY_KEY_REQUIRED")]
    [TestCase("seven", null)]
    public async Task CreateOrder_BadKey_IsRefusedWithItsReason(string? key, string? reason) =>
        await RefusesAsync(Orders.Place(_goods) with { Key = key }, 400, reason);

    [Test]
    public async Task CreateOrder_NoToken_IsRefusedWithTokenMissing() =>
        await RefusesAsync(Orders.Place(_goods), 401, "TOKEN_MISSING", signedIn: false);

    [Test]
    public async Task CreateOrder_ForgedOrExpiredToken_IsRefusedAsSuch()
    {
        var token = await _buyer.TokenAsync();
        var forged = $"{token[..token.LastIndexOf('.')]}.{new string('A', 86)}";
        await RefusesAsync(
            Orders.Place(_goods) with
            {
                Token = forged,
            },
            401,
            "TOKEN_INVALID",
            signedIn: false
        );
        var expired = await Mesh.ExpiredTokenAsync(_buyer.UserId);
        await RefusesAsync(
            Orders.Place(_goods) with
            {
                Token = expired,
            },
            401,
            "TOKEN_EXPIRED",
            signedIn: false
        );
    }

    [Test]
    public async Task CreateOrder_Guest_IsRefusedWithRoleRequired()
    {
        var guest = (await Mesh.Rest.SendAsync(Call.Post("/api/v1/users/guest"))).Ok();
        var call = Orders.Place(_goods) with { Token = guest.Text("access_token") };
        await RefusesAsync(call, 403, "ROLE_REQUIRED", signedIn: false);
    }

    [TestCase("/api/v1/orders/ord_00000000000000000000000000000000", "RESOURCE_NOT_FOUND")]
    [TestCase("/api/v1/orders/not-an-id", "RESOURCE_NOT_FOUND")]
    [TestCase("/api/v1/nothing/here", "ROUTE_NOT_FOUND")]
    public async Task GetOrder_UnknownPathOrId_IsNotFound(string path, string reason) =>
        await RefusesAsync(Call.Get(path), 404, reason);

    [TestCase("page_size=-1")]
    [TestCase("page_token=damaged")]
    [TestCase("status=lost")]
    [TestCase("colour=red")]
    [TestCase("created_after=yesterday")]
    public async Task ListOrders_BadFilter_IsRefused(string query) =>
        await RefusesAsync(Call.Get($"{Orders.Path}?{query}"), 400, reason: null);

    [Test]
    public async Task CreateProduct_MillionCharacterName_IsRefusedWithItsReason()
    {
        var product = Shop.Product($"sku-{Guid.CreateVersion7():N}", 5m);
        product["name"] = new string('x', 1_000_000);
        var reply = await Shop.Seller.PostAsync("/api/v1/products", product);
        Assert.That((reply.Status, reply.Reason), Is.EqualTo((400, "INVALID_FIELD")));
    }

    [Test]
    public async Task CreateOrder_BodyBeyondTheLimit_IsRefusedAsTooLarge()
    {
        var body = new StringBuilder("{\"items\":[").Append(' ', 1_100_000).Append("]}").ToString();
        await RefusesAsync(Call.Post(Orders.Path) with { Body = body }, 413, "TOO_LARGE");
    }

    private async Task RefusesAsync(Call call, int status, string? reason, bool signedIn = true)
    {
        var before = await StateAsync();
        var reply = signedIn ? await _buyer.SendAsync(call) : await Mesh.Rest.SendAsync(call);
        Assert.Multiple(() =>
        {
            Assert.That(reply.Status, Is.EqualTo(status), reply.ToString());
            Assert.That(reply.Reason, reason is null ? Is.Not.Empty : Is.EqualTo(reason), reply.ToString());
        });
        Assert.That(await StateAsync(), Is.EqualTo(before));
    }

    private async Task<(long Orders, (long, long) Stock)> StateAsync() =>
        (
            await Books.CountAsync(
                "ordering",
                "select count(*) from orders where user_id = $1",
                _buyer.UserId
            ),
            await Books.StockAsync(_goods.Sku)
        );

    private static TestCaseData Spoiled(string name, int status, string? reason, Action<JsonObject> spoil) =>
        new TestCaseData(spoil, status, reason).SetArgDisplayNames(name);

    private static JsonNode Item(JsonObject body) => body["items"]![0]!;
}
