using Google.Protobuf;
using Souk.Catalog.V1;

namespace Souk.Catalog;

/// <summary>
/// Writes the read model that the lists are served from. Whoever reads it is in CatalogService.
/// </summary>
internal static class Listing
{
    /// <summary>Brings a product's rows up to its document.</summary>
    /// <returns>False when the rows are as new already: events may arrive twice and in any order.</returns>
    internal static async Task<bool> ApplyAsync(DbTransaction tx, ProductDocument document)
    {
        var product = document.Product;
        var productId = Products.IdOf(document);
        var createdAt = product.CreatedAt.ToDateTimeOffset();
        var changed = await tx.ExecuteAsync(
            ApplySql,
            [
                productId,
                document.Version,
                Ids.Parse("user", product.SellerId),
                StatusText(product.Status),
                product.Brand.ToLowerInvariant(),
                createdAt,
                document.ToByteArray(),
            ],
            tx.CancellationToken
        );
        if (changed == 0)
            return false;
        var nodes =
            product.Status == ProductStatus.Active ? CategoryPath.NodesOf(product.Category).ToArray() : [];
        tx.Defer(ApplyLeaveSql, [productId]);
        tx.Defer(
            ApplyEnterSql,
            [
                productId,
                createdAt,
                nodes.Select(node => node.Key).ToArray(),
                nodes.Select(node => node.ParentKey).ToArray(),
                nodes.Select(node => node.Path).ToArray(),
            ]
        );
        return true;
    }

    private const string ApplySql = """
        insert into listing (product_id, version, seller_id, status, brand_key, created_at, card)
        values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (product_id) do update
           set version = excluded.version, status = excluded.status, brand_key = excluded.brand_key,
               card = excluded.card
         where listing.version < excluded.version
        """;

    private const string ApplyLeaveSql = "delete from listing_category where product_id = $1";

    private const string ApplyEnterSql = """
        insert into listing_category (product_id, created_at, path_key, parent_key, path)
        select $1, $2, path_key, parent_key, path
          from unnest($3::text[], $4::text[], $5::text[]) as node (path_key, parent_key, path)
        """;

    /// <summary>A status as the listing's column has it.</summary>
    internal static string StatusText(ProductStatus status) =>
        status switch
        {
            ProductStatus.Draft => "draft",
            ProductStatus.Active => "active",
            ProductStatus.Deleted => "deleted",
            _ => throw new ArgumentOutOfRangeException(nameof(status), status, "a document has a status"),
        };
}
