using System.Text.Json;
using System.Text.Json.Serialization;
using Souk.Catalog.V1;
using Money = Souk.Type.Money;

namespace Souk.Bench.Gateway;

/// <summary>What a gateway written by hand would do for this one message.</summary>
internal static class PlainMapping
{
    public static JsonSerializerOptions Json { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = PlainJson.Default,
        };

    public static PlainProduct Of(Product product) =>
        new(
            product.ProductId,
            product.Id,
            product.Name,
            product.Description,
            product.Brand,
            [.. product.Category],
            product.SellerId,
            new PlainPrice(
                product.Price.Currency,
                Amount(product.Price.Amount),
                Amount(product.Price.DiscountedAmount)
            ),
            [
                .. product.Variants.Select(variant => new PlainVariant(
                    variant.Sku,
                    new Dictionary<string, string>(variant.Attributes),
                    Amount(variant.Price),
                    variant.InventoryId
                )),
            ],
            [.. product.Images],
            new Dictionary<string, string>(product.Specifications),
            new PlainRating(product.Rating.Average, product.Rating.Count),
            [],
            [
                .. product.RelatedProducts.Select(related => new PlainRelated(
                    related.ProductId,
                    related.Name,
                    new PlainMoney(related.Price.Currency, Amount(related.Price)),
                    related.ImageUrl
                )),
            ],
            product.Status.ToString().ToLowerInvariant(),
            product.CreatedAt.ToDateTime(),
            product.UpdatedAt.ToDateTime(),
            product.Etag
        );

    // The sample has dollars only.
    private static decimal Amount(Money money) => new(checked((int)money.MinorUnits), 0, 0, false, 2);
}

/// <summary>Serializers made at compile time, which is the fastest that System.Text.Json can do.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(PlainProduct))]
internal sealed partial class PlainJson : JsonSerializerContext;
