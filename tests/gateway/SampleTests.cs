using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Souk.Catalog.V1;
using Souk.Type;

namespace Souk.Tests.Gateway;

/// <summary>
/// The documents' product with all that it can say: ratings and stock records come from services that there
/// are not yet. The other samples go through the whole mesh: see golden/.
/// </summary>
public sealed class SampleTests
{
    private const string ProductDocument = """
        {"name":"iPhone 15 Pro","brand":"Apple","category":["Electronics","Mobile Phones","Smartphones"],
         "price":{"currency":"USD","amount":999.99,
                  "discount":{"type":"percentage","value":10,"valid_until":"2025-12-31"}},
         "variants":[{"sku":"iphone15pro-256gb-black","attributes":{"storage":"256GB","color":"Black"},
                      "price":999.99}],
         "images":["https://cdn.example.com/products/iphone15pro-1.jpg"],
         "specifications":{"display":"6.1-inch Super Retina XDR","processor":"A17 Pro chip"}}
        """;

    [Test]
    [Description("CAT-01, CAT-06")]
    public void GetProduct_Sample_HasItsNames()
    {
        var product = Transcode.FromJson<Product>(ProductDocument);
        product.Id = product.ProductId = "prod_12345";
        product.SellerId = "seller_789";
        product.Price.Amount = product.Variants[0].Price = Usd(99999);
        product.Variants[0].InventoryId = "inv_456";
        product.Rating = new Rating { Average = 4.5, Count = 12453 };
        product.Status = ProductStatus.Active;
        product.CreatedAt = product.UpdatedAt = Day(2025, 9, 15);
        var expected = JsonNode.Parse(ProductDocument)!.AsObject();
        expected["price"]!["discount"]!["valid_until"] = "2025-12-31T00:00:00Z";
        expected["variants"]![0]!["inventory_id"] = "inv_456";
        foreach (
            var (name, value) in JsonNode
                .Parse(
                    """
                    {"id":"prod_12345","product_id":"prod_12345","seller_id":"seller_789","status":"active",
                     "rating":{"average":4.5,"count":12453},"reviews":[],"related_products":[],
                     "description":"",
                     "created_at":"2025-09-15T00:00:00Z","updated_at":"2025-09-15T00:00:00Z"}
                    """
                )!
                .AsObject()
        )
            expected[name] = value!.DeepClone();
        Holds(product, expected.ToJsonString());
    }

    private static Money Usd(long minor) => new() { Currency = "USD", MinorUnits = minor };

    private static Timestamp Day(int year, int month, int day) =>
        new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc).ToTimestamp();

    // A sample is held when each of its members is there with the same value; an answer may have more.
    private static void Holds(IMessage message, string sample)
    {
        var actual = JsonNode.Parse(Transcode.ToJson(message));
        Assert.That(Missing(JsonNode.Parse(sample)!, actual, "$"), Is.Empty, actual!.ToJsonString());
    }

    private static IEnumerable<string> Missing(JsonNode sample, JsonNode? actual, string path) =>
        (sample, actual) switch
        {
            (JsonObject wanted, JsonObject found) => wanted.SelectMany(member =>
                Missing(member.Value!, found[member.Key], $"{path}.{member.Key}")
            ),
            (JsonArray wanted, JsonArray found) when wanted.Count == found.Count => wanted.SelectMany(
                (element, at) => Missing(element!, found[at], $"{path}[{at}]")
            ),
            _ => JsonNode.DeepEquals(sample, actual) ? [] : [$"{path}: {sample.ToJsonString()}"],
        };
}
