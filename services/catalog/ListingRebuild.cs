using Microsoft.Extensions.Logging;

namespace Souk.Catalog;

/// <summary>
/// Brings the listing up to the documents, every product in turn, once an hour: heals what a lost event left
/// behind, and builds the listing anew after an operator emptied it. The claims of SKUs know every product,
/// for each has one.
/// </summary>
internal sealed partial class ListingRebuild(
    Db db,
    ProductStore store,
    Sidecar sidecar,
    TimeProvider clock,
    ILogger<ListingRebuild> logger
) : BackgroundJob(TimeSpan.FromHours(1), clock, logger)
{
    private const int BatchMax = 100;

    private readonly ILogger _logger = logger;
    private Guid _after;
    private int _mended;

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        if (!await sidecar.IsHealthyAsync(token))
            return false;
        var ids = await db.ListAsync(RebuildNextSql, [_after, BatchMax], row => row.GetGuid(0), token);
        if (ids.Count > 0)
        {
            var documents = await store.ReadManyAsync(ids, token);
            foreach (var document in documents)
            {
                if (await db.InTransactionAsync(tx => Listing.ApplyAsync(tx, document), token))
                    _mended++;
            }
        }
        if (ids.Count == BatchMax)
        {
            _after = ids[^1];
            return true;
        }
        if (_mended > 0)
            LogMended(_logger, _mended);
        (_after, _mended) = (Guid.Empty, 0);
        return false;
    }

    private const string RebuildNextSql = """
        select distinct product_id from sku_claim where product_id > $1 order by product_id limit $2
        """;

    [LoggerMessage(LogLevel.Warning, "The listing was behind the documents of {Count} products")]
    private static partial void LogMended(ILogger logger, int count);
}
