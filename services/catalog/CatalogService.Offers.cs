using Google.Protobuf.Collections;
using Grpc.Core;
using Souk.Catalog.V1;

namespace Souk.Catalog;

internal sealed partial class CatalogService
{
    /// <inheritdoc />
    public override async Task<BatchGetOffersResponse> BatchGetOffers(
        BatchGetOffersRequest request,
        ServerCallContext context
    )
    {
        var token = context.CancellationToken;
        var bySku = await OffersBySkuAsync(request.Skus, token);
        var byProduct = await OffersByProductAsync(request.ProductIds, token);
        var response = new BatchGetOffersResponse();
        foreach (var sku in request.Skus)
        {
            if (bySku.TryGetValue(sku, out var offer))
                response.Offers.Add(offer);
        }
        foreach (var productId in request.ProductIds)
        {
            if (byProduct.TryGetValue(productId, out var offer))
                response.Offers.Add(offer);
        }
        await products.Sellers.MarkAsync(response.Offers, token);
        return response;
    }

    private async Task<Dictionary<string, Offer>> OffersBySkuAsync(
        RepeatedField<string> wanted,
        CancellationToken token
    )
    {
        var offers = new Dictionary<string, Offer>(wanted.Count);
        var owners = await skus.FindAsync(wanted, token);
        var moved = await AddOffersAsync(offers, owners, token);
        if (moved.Count == 0)
            return offers;
        // The remembered owner no longer has the SKU; somebody else may by now.
        foreach (var sku in moved)
            skus.Forget(sku);
        await AddOffersAsync(offers, await skus.FindAsync(moved, token), token);
        return offers;
    }

    /// <summary>Adds the offers of SKUs whose owners are known.</summary>
    /// <returns>The SKUs that their owner's document does not have.</returns>
    private async Task<List<string>> AddOffersAsync(
        Dictionary<string, Offer> offers,
        IReadOnlyDictionary<string, Guid> owners,
        CancellationToken token
    )
    {
        var documents = await products.GetManyAsync(owners.Values, token);
        var absent = new List<string>();
        foreach (var (sku, productId) in owners)
        {
            var document = documents.GetValueOrDefault(productId);
            var variant = document?.Product.Variants.FirstOrDefault(variant => variant.Sku == sku);
            if (document is null || variant is null)
                absent.Add(sku);
            else
                offers[sku] = OfferOf(document, variant);
        }
        return absent;
    }

    private async Task<Dictionary<string, Offer>> OffersByProductAsync(
        RepeatedField<string> wanted,
        CancellationToken token
    )
    {
        var ids = new List<Guid>(wanted.Count);
        foreach (var text in wanted)
        {
            if (Ids.TryParse(ProductEditor.IdPrefix, text, out var id))
                ids.Add(id);
        }
        var documents = await products.GetManyAsync(ids, token);
        return documents
            .Values.Where(document => document.Product.Variants.Count == 1)
            .ToDictionary(
                document => document.Product.ProductId,
                document => OfferOf(document, document.Product.Variants[0])
            );
    }

    private Offer OfferOf(ProductDocument document, Variant variant)
    {
        var product = document.Product;
        return new Offer
        {
            Sku = variant.Sku,
            ProductId = product.ProductId,
            Name = product.Name,
            SellerId = product.SellerId,
            UnitPrice = Pricing.Of(product, variant, editor.Now).ToProto(),
            Purchasable = product.Status == ProductStatus.Active,
            PriceVersion = document.Version,
            ImageUrl = product.Images.FirstOrDefault() ?? "",
            Attributes = { variant.Attributes },
        };
    }
}
