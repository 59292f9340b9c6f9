using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Catalog.V1;

namespace Souk.Catalog;

internal sealed partial class CatalogService
{
    /// <inheritdoc />
    public override async Task<Product> GetProduct(GetProductRequest request, ServerCallContext context)
    {
        var id = ParseId(request.ProductId);
        var document = await products.GetAsync(id, context.CancellationToken);
        if (document is null || !MaySee(Caller.Of(context), document.Product))
            throw NotFound(request.ProductId);
        var product = editor.Shown(document);
        product.RelatedProducts.Add(await RelatedToAsync(document.Product, context.CancellationToken));
        return product;
    }

    /// <inheritdoc />
    public override async Task<Product> CreateProduct(CreateProductRequest request, ServerCallContext context)
    {
        ProductRules.CheckIds(request.Product);
        if (request.RequestId.Length == 0)
            request.RequestId = Ids.New(editor.Clock).ToString();
        var sellerId = Ids.Text("user", Caller.Of(context).UserGuid);
        var isRepeat = true;
        // What commits here are the claims and the answer. The document follows, so a call that dies in
        // between is finished by its repeat: same request id, same answer, same document.
        var product = await skus.ClaimingAsync(
            () =>
                requests.RunAsync(
                    request,
                    context,
                    async tx =>
                    {
                        isRepeat = false;
                        var document = editor.New(request.Product, sellerId);
                        await Skus.ClaimAsync(tx, document, SkusOf(document));
                        return document.Product;
                    }
                ),
            context.CancellationToken
        );
        var created = new ProductDocument { Version = 1, Product = product };
        await EnsureListedAsync(created, isRepeat, context.CancellationToken);
        return editor.Shown(created);
    }

    private async Task EnsureListedAsync(ProductDocument created, bool isRepeat, CancellationToken token)
    {
        var id = Products.IdOf(created);
        if (isRepeat && await products.ReadAsync(id, token) is not null)
            return;
        if (await products.TryWriteAsync(created, etag: null, token))
            return;
        // Either a parallel repeat was quicker, or this one came so late that its SKUs went to somebody else.
        if (await products.ReadAsync(id, token) is null)
            throw Skus.Taken(created.Product.Variants[0].Sku);
    }

    /// <inheritdoc />
    public override async Task<Product> UpdateProduct(UpdateProductRequest request, ServerCallContext context)
    {
        var token = context.CancellationToken;
        var sellerId = Caller.Of(context).UserId;
        var etag = request.Etag.Length > 0 ? request.Etag : request.Product.Etag;
        string[] dropped = [];
        var written = await ChangeAsync(
            request.ProductId,
            async document =>
            {
                if (document.Product.SellerId != sellerId || document.Product.Status == ProductStatus.Deleted)
                    throw NotFound(request.ProductId);
                CheckEtag(etag, document);
                var next = editor.Replaced(document, request.Product);
                var (before, after) = (SkusOf(document), SkusOf(next));
                var added = after.Except(before).ToArray();
                dropped = [.. before.Except(after)];
                if (added.Length == 0)
                    return next;
                await skus.ClaimingAsync(
                    () =>
                        db.InTransactionAsync(
                            async tx =>
                            {
                                await Skus.ClaimAsync(tx, next, added);
                                return added.Length;
                            },
                            token
                        ),
                    token
                );
                return next;
            },
            token
        );
        await skus.FreeAsync(written, dropped, token);
        return editor.Shown(written);
    }

    /// <inheritdoc />
    public override async Task<Empty> DeleteProduct(DeleteProductRequest request, ServerCallContext context)
    {
        var caller = Caller.Of(context);
        await ChangeAsync(
            request.ProductId,
            document =>
            {
                if (!caller.MaySee(document.Product.SellerId))
                    throw NotFound(request.ProductId);
                return Task.FromResult(MovedTo(ProductStatus.Deleted, document));
            },
            context.CancellationToken
        );
        return new Empty();
    }

    /// <inheritdoc />
    public override async Task<Product> ApproveProduct(
        ApproveProductRequest request,
        ServerCallContext context
    )
    {
        var approved = await ChangeAsync(
            request.ProductId,
            document =>
                document.Product.Status == ProductStatus.Deleted
                    ? throw NotFound(request.ProductId)
                    : Task.FromResult(MovedTo(ProductStatus.Active, document)),
            context.CancellationToken
        );
        return editor.Shown(approved);
    }

    private ProductDocument MovedTo(ProductStatus status, ProductDocument document) =>
        document.Product.Status == status ? document : editor.Moved(document, status);

    private static List<string> SkusOf(ProductDocument document) =>
        [.. document.Product.Variants.Select(variant => variant.Sku)];

    // Absent, stale and nonsense are the same here: not the version that is to be replaced.
    private static void CheckEtag(string sent, ProductDocument document)
    {
        var current = Etag.Of(document.Version);
        if (sent.Trim('"') == current || sent == $"W/\"{current}\"")
            return;
        throw Fault.Aborted(
            Souk.Type.Reason.VersionConflict,
            sent.Length == 0
                ? "The version that was read is required, as etag or If-Match."
                : "The product has changed since it was read.",
            ("resource", document.Product.ProductId),
            ("etag", current)
        );
    }
}
