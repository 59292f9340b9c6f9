using Google.Protobuf.WellKnownTypes;
using Souk.Catalog.V1;
using Money = Souk.Type.Money;

namespace Souk.Bench.Gateway;

/// <summary>
/// A product of about 2 KB, as a message and as the objects that somebody without protos would have.
/// </summary>
internal static class SampleProduct
{
    private const long Listed = 1_780_000_000;

    public static Product Message()
    {
        var product = new Product
        {
            ProductId = "prod_0198c1d2000070008000000000000001",
            Id = "prod_0198c1d2000070008000000000000001",
            Name = "Wireless headphones with noise cancelling, over ear",
            Description = string.Concat(Enumerable.Repeat("Folds flat, charges in an hour. ", 24)),
            Brand = "Acoustica",
            Category = { "Electronics", "Audio", "Headphones" },
            SellerId = "user_0198c1d2000070008000000000000002",
            Price = new Price
            {
                Currency = "USD",
                Amount = Usd(19_999),
                DiscountedAmount = Usd(17_999),
            },
            Rating = new Rating { Average = 4.5, Count = 1234 },
            Status = ProductStatus.Active,
            CreatedAt = new Timestamp { Seconds = Listed, Nanos = 123_000_000 },
            UpdatedAt = new Timestamp { Seconds = Listed + 5, Nanos = 456_000_000 },
            Etag = "v17",
        };
        foreach (var colour in (string[])["Black", "Silver", "Midnight Blue", "Sand"])
        {
            var sku = $"ACO-WH-{colour.ToUpperInvariant().Replace(' ', '-')}";
            product.Variants.Add(
                new Variant
                {
                    Sku = sku,
                    Attributes = { ["color"] = colour, ["cable"] = "1.2 m" },
                    Price = Usd(19_999),
                    InventoryId = sku,
                }
            );
        }
        for (var at = 1; at <= 4; at++)
            product.Images.Add($"https://images.example.com/acoustica/headphones/{at}/large.jpg");
        product.Specifications["weight"] = "254 g";
        product.Specifications["battery"] = "40 hours";
        product.Specifications["bluetooth"] = "5.3";
        product.Specifications["driver"] = "40 mm";
        for (var at = 1; at <= 3; at++)
        {
            product.RelatedProducts.Add(
                new RelatedProduct
                {
                    ProductId = $"prod_0198c1d200007000800000000000001{at}",
                    Name = $"Travel case, model {at}",
                    Price = Usd(2_999),
                    ImageUrl = $"https://images.example.com/acoustica/case/{at}.jpg",
                }
            );
        }
        return product;
    }

    private static Money Usd(long cents) => new() { Currency = "USD", MinorUnits = cents };
}
