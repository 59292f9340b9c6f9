using System.Diagnostics.Metrics;
using Souk.Catalog.V1;

namespace Souk.Catalog;

/// <summary>
/// Documents as requests use them: reads come from memory while they are fresh enough (CAT-14, X-17), writes
/// go through and make this process forget what it had. Other processes forget by event, or after five
/// seconds at the latest.
/// </summary>
internal sealed class Products
{
    private const int GenerationSize = 2000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly ProductStore _store;
    private readonly FreshCache<Guid, ProductDocument> _hot;

    public Products(ProductStore store, Sellers sellers, TimeProvider clock)
    {
        Sellers = sellers;
        _store = store;
        _hot = new FreshCache<Guid, ProductDocument>(GenerationSize, Lifetime, clock);
        Telemetry.Meter.CreateObservableCounter("catalog.product_cache.reads", Reads, "{read}");
    }

    /// <summary>Who sells them.</summary>
    internal Sellers Sellers { get; }

    /// <summary>Reads answered from memory since the start.</summary>
    internal long Hits => _hot.Hits;

    /// <summary>Reads that had to ask the store since the start.</summary>
    internal long Misses => _hot.Misses;

    /// <summary>The document, at most five seconds old; null when the product was never listed.</summary>
    internal ValueTask<ProductDocument?> GetAsync(Guid productId, CancellationToken token) =>
        _hot.GetAsync(productId, LoadAsync, token);

    /// <summary>The documents of those products that were listed, each at most five seconds old.</summary>
    internal ValueTask<IReadOnlyDictionary<Guid, ProductDocument>> GetManyAsync(
        IEnumerable<Guid> productIds,
        CancellationToken token
    ) => _hot.GetManyAsync(productIds, LoadAsync, token);

    /// <summary>The document as it is stored now, to be changed.</summary>
    internal Task<StoredProduct?> ReadAsync(Guid productId, CancellationToken token) =>
        _store.ReadAsync(productId, token);

    /// <summary>Stores a document; false when another write came first.</summary>
    internal async Task<bool> TryWriteAsync(ProductDocument next, string? etag, CancellationToken token)
    {
        try
        {
            return await _store.TryWriteAsync(next, etag, token);
        }
        finally
        {
            // A failed write may have been stored all the same.
            Forget(IdOf(next));
        }
    }

    /// <summary>The next read asks the store.</summary>
    internal void Forget(Guid productId) => _hot.Forget(productId);

    internal static Guid IdOf(ProductDocument document) =>
        Ids.Parse(ProductEditor.IdPrefix, document.Product.ProductId);

    private async Task<IReadOnlyDictionary<Guid, ProductDocument>> LoadAsync(IReadOnlyList<Guid> productIds)
    {
        if (productIds is not [var only])
            return (await _store.ReadManyAsync(productIds, CancellationToken.None)).ToDictionary(IdOf);
        var stored = await _store.ReadAsync(only, CancellationToken.None);
        return stored is null ? [] : new Dictionary<Guid, ProductDocument> { [only] = stored.Document };
    }

    private IEnumerable<Measurement<long>> Reads() =>
        [
            new Measurement<long>(Hits, new KeyValuePair<string, object?>("outcome", "hit")),
            new Measurement<long>(Misses, new KeyValuePair<string, object?>("outcome", "miss")),
        ];
}
