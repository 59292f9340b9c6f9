using Microsoft.Extensions.Logging;
using Souk.Catalog.V1;
using Souk.Identity.V1;

namespace Souk.Catalog;

/// <summary>
/// What catalog does about its own documents' changes: product.changed comes from the state store's outbox,
/// feeds the listing and goes on as cache.invalidate, in one transaction. And what it learns about sellers.
/// </summary>
internal sealed partial class CatalogEvents(Products products, Outbox outbox, ILogger<CatalogEvents> logger)
    : IEventHandlers
{
    /// <inheritdoc />
    public void Subscribe(EventMap on) =>
        on.On<ProductChanged>("product.changed", ListAsync)
            .On<CacheInvalidate>("cache.invalidate", ForgetAsync)
            .On<SellerChanged>("seller.changed", products.Sellers.ApplyAsync);

    private async Task ListAsync(ProductChanged changed, EventContext context)
    {
        if (!Ids.TryParse(ProductEditor.IdPrefix, changed.ProductId, out var productId))
            return;
        // The event says that something changed; what it is now, only the document knows.
        if (await products.ReadAsync(productId, context.CancellationToken) is not { } stored)
        {
            // The store was emptied or restored since. Waiting would hold up the events behind this one.
            LogUnknown(logger, changed.ProductId, changed.Version);
            return;
        }
        if (await Listing.ApplyAsync(context.Tx, stored.Document))
        {
            outbox.Add(
                context.Tx,
                "cache.invalidate",
                new CacheInvalidate { ProductId = changed.ProductId, Version = stored.Document.Version }
            );
        }
        products.Forget(productId);
    }

    private Task ForgetAsync(CacheInvalidate invalid, EventContext context)
    {
        if (Ids.TryParse(ProductEditor.IdPrefix, invalid.ProductId, out var productId))
            products.Forget(productId);
        return Task.CompletedTask;
    }

    [LoggerMessage(LogLevel.Warning, "Product {Product} changed to version {Version} but is not there")]
    private static partial void LogUnknown(ILogger logger, string product, long version);
}
