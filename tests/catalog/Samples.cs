using Souk.Catalog.V1;
using Souk.Type;

namespace Souk.Tests.Catalog;

/// <summary>Products that nobody else in the tests has.</summary>
internal static class Samples
{
    /// <summary>A text that is new, for SKUs, brands and categories.</summary>
    internal static string Unique(string prefix) => $"{prefix}-{Guid.CreateVersion7():N}";

    /// <summary>A product of one variant at 999.99 USD.</summary>
    internal static Product Phone(string? sku = null) =>
        new()
        {
            Name = "Smartphone X",
            Description = "A <b>bright</b> screen & a battery that lasts.",
            Brand = Unique("TechBrand"),
            Category = { Unique("Electronics"), "Mobile Phones", "Smartphones" },
            Price = Price("999.99"),
            Variants =
            {
                new Variant { Sku = sku ?? Unique("PHONE"), Attributes = { ["color"] = "Black" } },
            },
            Images = { "https://images.example/phone.jpg" },
            Specifications = { ["Weight"] = "180 g" },
        };

    /// <summary>A price in USD as plain decimal text, as the gateway sends a plain JSON number.</summary>
    internal static Price Price(string amount) =>
        new()
        {
            Currency = "USD",
            Amount = new Money { Amount = amount },
        };

    internal static Money Usd(long minor) => new() { Currency = "USD", MinorUnits = minor };

    /// <summary>Saves the product as it is, unless it was changed since it was read.</summary>
    internal static UpdateProductRequest ToUpdate(this Product product, string? etag = null) =>
        new()
        {
            ProductId = product.ProductId,
            Product = product,
            Etag = etag ?? product.Etag,
        };

    internal static Variant With(this Variant variant, string attribute, string value)
    {
        variant.Attributes[attribute] = value;
        return variant;
    }
}
