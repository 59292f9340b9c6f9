using Grpc.Core;
using Souk.Catalog.V1;

namespace Souk.Catalog;

internal sealed partial class CatalogService
{
    private const int RelatedMax = 6;
    private const int CategoryGeneration = 1000;
    private static readonly TimeSpan s_relatedLifetime = TimeSpan.FromSeconds(5);

    private readonly FreshCache<string, List<ProductDocument>> _newestOfCategory = new(
        CategoryGeneration,
        s_relatedLifetime,
        editor.Clock
    );

    /// <inheritdoc />
    public override async Task<ListCategoriesResponse> ListCategories(
        ListCategoriesRequest request,
        ServerCallContext context
    )
    {
        var response = new ListCategoriesResponse();
        response.Categories.Add(
            await db.ListAsync(
                ListCategoriesSql,
                [CategoryPath.Key(request.Parent)],
                row => new Category
                {
                    Name = CategoryPath.NameOf(row.GetString(0)),
                    Path = row.GetString(0),
                    ProductCount = row.GetInt32(1),
                },
                context.CancellationToken
            )
        );
        return response;
    }

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
        var newest = await _newestOfCategory.GetAsync(key, ReadNewestAsync, token) ?? [];
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

    private async Task<IReadOnlyDictionary<string, List<ProductDocument>>> ReadNewestAsync(
        IReadOnlyList<string> keys
    )
    {
        var newest = new Dictionary<string, List<ProductDocument>>();
        foreach (var key in keys)
        {
            // One more than shown: the product itself may be among them.
            newest[key] = await db.ListAsync(
                RelatedToSql,
                [key, RelatedMax + 1],
                row => ProductDocument.Parser.ParseFrom(row.GetFieldValue<byte[]>(0)),
                CancellationToken.None
            );
        }
        return newest;
    }

    private const string RelatedToSql = """
        select card
          from listing_category join listing using (product_id, created_at)
         where path_key = $1
         order by created_at desc, product_id desc
         limit $2
        """;
}
