using Google.Protobuf.WellKnownTypes;
using Souk.Catalog.V1;

namespace Souk.Catalog;

/// <summary>
/// Turns what a seller sends into a product's next document, and a document into what a visitor sees now.
/// Documents are never changed in place: caches share them.
/// </summary>
internal sealed class ProductEditor(CatalogSettings settings, TimeProvider clock)
{
    internal const string IdPrefix = "prod";

    internal TimeProvider Clock => clock;

    internal DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>A new product's first document.</summary>
    internal ProductDocument New(Product sent, string sellerId)
    {
        var product = ProductRules.Checked(sent);
        product.ProductId = Ids.New(IdPrefix, clock);
        product.SellerId = sellerId;
        product.Status = settings.ApprovesAtOnce ? ProductStatus.Active : ProductStatus.Draft;
        product.Rating = new Rating();
        product.CreatedAt = Timestamp.FromDateTimeOffset(Now);
        product.UpdatedAt = product.CreatedAt;
        return new ProductDocument { Version = 1, Product = Stored(product) };
    }

    /// <summary>The document with a seller's new content.</summary>
    internal ProductDocument Replaced(ProductDocument document, Product sent)
    {
        var product = ProductRules.Checked(sent);
        product.ProductId = document.Product.ProductId;
        product.SellerId = document.Product.SellerId;
        product.Status = document.Product.Status;
        product.Rating = document.Product.Rating;
        product.CreatedAt = document.Product.CreatedAt;
        product.UpdatedAt = Timestamp.FromDateTimeOffset(Now);
        return new ProductDocument { Version = document.Version + 1, Product = Stored(product) };
    }

    /// <summary>The document in another status.</summary>
    internal ProductDocument Moved(ProductDocument document, ProductStatus status)
    {
        var product = document.Product.Clone();
        product.Status = status;
        product.UpdatedAt = Timestamp.FromDateTimeOffset(Now);
        return new ProductDocument { Version = document.Version + 1, Product = product };
    }

    /// <summary>What a visitor sees now.</summary>
    internal Product Shown(ProductDocument document)
    {
        var product = document.Product.Clone();
        product.Id = product.ProductId;
        product.Etag = Etag.Of(document.Version);
        product.Price.DiscountedAmount = Pricing.Of(product, Now).ToProto();
        return product;
    }

    private static Product Stored(Product product)
    {
        product.Id = "";
        product.Etag = "";
        product.Price.DiscountedAmount = null;
        product.Reviews.Clear();
        product.RelatedProducts.Clear();
        foreach (var variant in product.Variants)
            variant.InventoryId = variant.Sku;
        return product;
    }
}
