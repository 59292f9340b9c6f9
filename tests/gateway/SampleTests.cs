using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Souk.Cart.V1;
using Souk.Catalog.V1;
using Souk.Identity.V1;
using Souk.Ordering.V1;
using Souk.Type;

namespace Souk.Tests.Gateway;

/// <summary>The samples of the requirement documents, name by name and value by value (K28).</summary>
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

    [TestCase("""{"name":"John Doe","email":"john@example.com","password":"securepassword"}""")]
    [Description("U-01")]
    public void RegisterUser_Sample_IsRead(string json)
    {
        var request = Transcode.FromJson<RegisterUserRequest>(json);
        Assert.That((request.Name, request.Email), Is.EqualTo(("John Doe", "john@example.com")));
        Assert.That(request.Password, Is.EqualTo("securepassword"));
    }

    [Test]
    [Description("U-02")]
    public void LoginUser_Answer_HasTheNamesThatScriptsRelyOn() =>
        Holds(
            new TokenSet
            {
                UserId = "user_123",
                AccessToken = "a.b.c",
                RefreshToken = "r",
                TokenType = "Bearer",
                ExpiresIn = 900,
            },
            """{"user_id":"user_123","access_token":"a.b.c","refresh_token":"r","token_type":"Bearer","expires_in":900}"""
        );

    [Test]
    [Description("U-03")]
    public void GetProfile_Sample_HasItsNames() =>
        Holds(
            new Profile
            {
                UserId = "user_123",
                Name = "John Doe",
                Email = "john@example.com",
            },
            """{"user_id":"user_123","name":"John Doe","email":"john@example.com","addresses":[],"payment_methods":[]}"""
        );

    [Test]
    [Description("CAT-06")]
    public void CreateProduct_Sample_IsRead()
    {
        var product = Transcode.FromJson<Product>(ProductDocument);
        Assert.That(product.Price.Amount, Is.EqualTo(new Money { Amount = "999.99" }));
        Assert.That(product.Price.Discount.Type, Is.EqualTo(DiscountType.Percentage));
        Assert.That(product.Price.Discount.ValidUntil, Is.EqualTo(Day(2025, 12, 31)));
        Assert.That(product.Variants[0].Price, Is.EqualTo(new Money { Amount = "999.99" }));
        Assert.That(product.Variants[0].Attributes["storage"], Is.EqualTo("256GB"));
        Assert.That(product.Specifications["processor"], Is.EqualTo("A17 Pro chip"));
    }

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

    [Test]
    [Description("CART-07")]
    public void GetCart_Sample_HasItsNames() =>
        Holds(
            new Souk.Cart.V1.Cart
            {
                UserId = "user_12345",
                Items =
                {
                    new CartItem
                    {
                        ProductId = "prod_789",
                        Sku = "iphone15pro-256gb-black",
                        Quantity = 1,
                        Price = Usd(99999),
                        SellerId = "seller_456",
                        AddedAt = Day(2025, 11, 14),
                    },
                },
                Coupons = { "SAVE10", "FIRSTORDER" },
                UpdatedAt = Day(2025, 11, 14),
                ExpiresAt = Day(2025, 11, 21),
            },
            """
            {"user_id":"user_12345","items":[{"product_id":"prod_789",
            "sku":"iphone15pro-256gb-black","quantity":1,
             "price":999.99,"seller_id":"seller_456","added_at":"2025-11-14T00:00:00Z"}],
             "coupons":["SAVE10","FIRSTORDER"],"updated_at":"2025-11-14T00:00:00Z",
             "expires_at":"2025-11-21T00:00:00Z"}
            """
        );

    [Test]
    [Description("ORD-01")]
    public void CreateOrder_Sample_IsRead()
    {
        var request = Transcode.FromJson<CreateOrderRequest>(
            """
            {"user_id":"user_123","items":[{"product_id":"prod_123","sku":"s-1","quantity":1,
            "price":1299.99}],
             "shipping_address":{"name":"John Doe","line1":"1 Main St","line2":"",
             "city":"Springfield","region":"IL",
                                 "postal_code":"62701","country":"US"},
             "payment_method":{"type":"card","token":"tok_success"}}
            """
        );
        Assert.That((request.Items[0].ProductId, request.Items[0].Quantity), Is.EqualTo(("prod_123", 1)));
        Assert.That(request.ShippingAddress.PostalCode, Is.EqualTo("62701"));
        Assert.That(request.PaymentMethod.Token, Is.EqualTo("tok_success"));
    }

    [Test]
    [Description("ORD-02")]
    public void GetOrder_Sample_HasItsNames() =>
        Holds(
            new Order
            {
                OrderId = "order_456",
                Status = OrderStatus.Confirmed,
                Total = Usd(129999),
                TrackingNumber = "TR123456",
                ShippingAddress = new Address { City = "Springfield" },
            },
            """
            {"order_id":"order_456","status":"confirmed","items":[],"total":1299.99,
             "shipping_address":{"city":"Springfield"},"tracking_number":"TR123456"}
            """
        );

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
