using Grpc.Core;
using Souk.Catalog.V1;
using Souk.Options.V1;

namespace Souk.Catalog;

/// <summary>Products and the taxonomy they hang in.</summary>
internal sealed partial class CatalogService(
    Db db,
    RequestIds requests,
    PageTokens pages,
    Products products,
    Skus skus,
    ProductEditor editor
) : V1.CatalogService.CatalogServiceBase
{
    private const int WriteAttemptsMax = 5;

    private static Guid ParseId(string productId) => Ids.Parse(ProductEditor.IdPrefix, productId);

    private static RpcException NotFound(string productId) => Fault.NotFound("product", productId);

    private static bool IsModerator(Caller caller) => caller.IsStaff || caller.Has(Role.Moderator);

    private static bool MaySee(Caller caller, Product product) =>
        product.Status switch
        {
            ProductStatus.Active => true,
            ProductStatus.Draft => product.SellerId == caller.UserId || IsModerator(caller),
            _ => IsModerator(caller),
        };

    /// <summary>
    /// Reads a document, decides on the next one and stores it; again from the start when another write came
    /// between. A decision for the very document that was read leaves it as it is.
    /// </summary>
    private async Task<ProductDocument> ChangeAsync(
        string productId,
        Func<ProductDocument, Task<ProductDocument>> decide,
        CancellationToken token
    )
    {
        var id = ParseId(productId);
        for (var attempt = 1; attempt <= WriteAttemptsMax; attempt++)
        {
            var stored = await products.ReadAsync(id, token) ?? throw NotFound(productId);
            var next = await decide(stored.Document);
            if (
                ReferenceEquals(next, stored.Document)
                || await products.TryWriteAsync(next, stored.Etag, token)
            )
                return next;
        }
        throw Fault.VersionConflict(productId);
    }
}
