using Grpc.Core;
using Souk.Catalog.V1;

namespace Souk.Catalog;

internal sealed partial class CatalogService
{
    private const int RelatedMax = 6;
    private const int CategoryGeneration = 1000;
    private static readonly TimeSpan CategoryLifetime = TimeSpan.FromSeconds(5);

    private readonly FreshCache<string, List<Category>> _children = new(
        CategoryGeneration,
        CategoryLifetime,
        editor.Clock
    );
    private readonly FreshCache<string, List<ProductDocument>> _newest = new(
        CategoryGeneration,
        CategoryLifetime,
        editor.Clock
    );

    /// <inheritdoc />
    public override async Task<ListCategoriesResponse> ListCategories(
        ListCategoriesRequest request,
        ServerCallContext context
    )
    {
        var key = CategoryPath.Key(request.Parent);
        var children = await _children.GetAsync(key, ReadChildrenAsync, context.CancellationToken);
        return new ListCategoriesResponse { Categories = { children ?? [] } };
    }

    private Task<IReadOnlyDictionary<string, List<Category>>> ReadChildrenAsync(IReadOnlyList<string> keys) =>
        ReadEachAsync(
            keys,
            key =>
                db.ListAsync(
                    ListCategoriesSql,
                    [key],
                    row => new Category
                    {
                        Name = CategoryPath.NameOf(row.GetString(0)),
                        Path = row.GetString(0),
                        ProductCount = row.GetInt32(1),
                    },
                    CancellationToken.None
                )
        );

    // Sellers who differ in the case of letters share a node; it shows one of their spellings.
    private const string ListCategoriesSql = """
        select min(path), count(*)::integer
          from listing_category
         where parent_key = $1
         group by path_key
         order by path_key
         limit 1000
        """;

    /// <summary>
    /// Others of a product's category, newest first. The list is shared by all products of the category.
    /// </summary>
    private async Task<IEnumerable<RelatedProduct>> RelatedToAsync(Product product, CancellationToken token)
    {
        var key = CategoryPath.Key(string.Join(CategoryPath.Separator, product.Category));
        var newest = await _newest.GetAsync(key, ReadNewestAsync, token) ?? [];
        return newest
            .Where(other => other.Product.ProductId != product.ProductId)
            .Take(RelatedMax)
            .Select(other => new RelatedProduct
            {
                ProductId = other.Product.ProductId,
                Name = other.Product.Name,
                Price = Pricing.Of(other.Product, editor.Now).ToProto(),
                ImageUrl = other.Product.Images.FirstOrDefault() ?? "",
            });
    }

    // One more than shown: the product itself may be among them.
    private Task<IReadOnlyDictionary<string, List<ProductDocument>>> ReadNewestAsync(
        IReadOnlyList<string> keys
    ) =>
        ReadEachAsync(
            keys,
            key =>
                db.ListAsync(
                    RelatedToSql,
                    [key, RelatedMax + 1],
                    row => ProductDocument.Parser.ParseFrom(row.GetFieldValue<byte[]>(0)),
                    CancellationToken.None
                )
        );

    private const string RelatedToSql = """
        select card
          from listing_category as node
          join listing on listing.product_id = node.product_id
         where path_key = $1
         order by node.created_at desc, node.product_id desc
         limit $2
        """;

    private static async Task<IReadOnlyDictionary<string, T>> ReadEachAsync<T>(
        IReadOnlyList<string> keys,
        Func<string, Task<T>> read
    )
    {
        var values = new Dictionary<string, T>(keys.Count);
        foreach (var key in keys)
            values[key] = await read(key);
        return values;
    }
}
