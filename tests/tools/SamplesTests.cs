using System.Text.Json.Nodes;
using Souk.Tests.Repo;

namespace Souk.Tests.Tools;

/// <summary>The demo shop's range keeps to its own format (services/catalog/samples/README.md).</summary>
internal sealed class SamplesTests
{
    private const int ProductsMin = 120;

    private static readonly IReadOnlyList<JsonNode> Products =
    [
        .. RepoFiles
            .All.Single(file => file.Path == "services/catalog/samples/products.jsonl")
            .Lines.Select(line => JsonNode.Parse(line) ?? throw new InvalidOperationException(line)),
    ];

    [Test]
    public void Samples_EachSku_IsUniqueAndInStock()
    {
        var skus = Products.SelectMany(product => Texts(product, "variants", "sku")).ToList();
        var stocked = Products.SelectMany(product => Texts(product, "stock", "sku")).ToHashSet();
        Assert.Multiple(() =>
        {
            Assert.That(Products, Has.Count.GreaterThanOrEqualTo(ProductsMin));
            Assert.That(skus, Is.Unique);
            Assert.That(stocked, Is.SubsetOf(skus));
        });
    }

    [Test]
    public void Samples_EachStock_LiesInAKnownWarehouse() =>
        Assert.That(
            Products.SelectMany(product => Texts(product, "stock", "warehouse_id")).Distinct().Order(),
            Is.EqualTo(new[] { "WH001", "WH002", "WH003" })
        );

    [Test]
    public void Samples_EachProduct_HasNameDescriptionCategoryPriceAndImages() =>
        Rule.Holds(
            from product in Products
            where
                Text(product, "name").Length == 0
                || Text(product, "description").Length < 20
                || product["category"] is not JsonArray { Count: > 1 }
                || product["price"]?["amount"]?.GetValue<decimal>() is not > 0
                || product["images"] is not JsonArray { Count: > 0 } images
                || images.Any(image =>
                    image?.GetValue<string>().StartsWith("https://", StringComparison.Ordinal) != true
                )
                || product["specifications"] is not JsonObject { Count: > 0 }
            select Text(product, "name"),
            "A line of the samples lacks something that a real shop would show."
        );

    [Test]
    public void Samples_VariantsOfAProduct_DifferInTheirAttributes() =>
        Rule.Holds(
            from product in Products
            let variants = (JsonArray)product["variants"]!
            where
                variants.Select(variant => variant?["attributes"]?.ToJsonString() ?? "").Distinct().Count()
                != variants.Count
            select Text(product, "name"),
            "Two variants of one product are the same."
        );

    private static IEnumerable<string> Texts(JsonNode product, string list, string member) =>
        ((JsonArray?)product[list] ?? []).Select(entry => entry is null ? "" : Text(entry, member));

    private static string Text(JsonNode node, string member) => node[member]?.GetValue<string>() ?? "";
}
