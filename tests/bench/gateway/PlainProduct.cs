namespace Souk.Bench.Gateway;

/// <summary>The product as the objects of somebody who serves JSON without protos.</summary>
internal sealed record PlainProduct(
    string ProductId,
    string Id,
    string Name,
    string Description,
    string Brand,
    string[] Category,
    string SellerId,
    PlainPrice Price,
    PlainVariant[] Variants,
    string[] Images,
    Dictionary<string, string> Specifications,
    PlainRating Rating,
    string[] Reviews,
    PlainRelated[] RelatedProducts,
    string Status,
    DateTime CreatedAt,
    DateTime UpdatedAt,
    string Etag
);

internal sealed record PlainPrice(string Currency, decimal Amount, decimal DiscountedAmount);

internal sealed record PlainVariant(
    string Sku,
    Dictionary<string, string> Attributes,
    decimal Price,
    string InventoryId
);

internal sealed record PlainRating(double Average, int Count);

internal sealed record PlainMoney(string Currency, decimal Amount);

internal sealed record PlainRelated(string ProductId, string Name, PlainMoney Price, string ImageUrl);
