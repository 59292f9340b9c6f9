using Microsoft.Extensions.Logging;
using Npgsql;

namespace Souk.Catalog;

/// <summary>
/// Brings the listing up to the documents, every product in turn, once an hour: heals what a lost event left
/// behind, and builds the listing anew, at once, when an operator has emptied it. The claims of SKUs know
/// every product, for each has one.
/// </summary>
internal sealed partial class ListingRebuild(
    Db db,
    ProductStore store,
    Sidecar sidecar,
    TimeProvider clock,
    ILogger<ListingRebuild> logger
) : BackgroundJob(TimeSpan.FromSeconds(30), clock, logger)
{
    private const int BatchMax = 100;
    private static readonly TimeSpan RoundEvery = TimeSpan.FromHours(1);

    private readonly ILogger _logger = logger;

    // The events see to everything else meanwhile: a start is no reason to read the whole store.
    private DateTimeOffset _nextRoundAt = clock.GetUtcNow() + RoundEvery;
    private Guid _after;
    private int _mended;

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        if (_after == Guid.Empty && !await IsDueAsync(token))
            return false;
        var behind = await db.ListAsync(RebuildNextSql, [_after, BatchMax], ReadRow, token);
        await MendAsync(behind, token);
        if (behind.Count == BatchMax)
        {
            _after = behind[^1].ProductId;
            return true;
        }
        if (_mended > 0)
            LogMended(_logger, _mended);
        (_after, _mended, _nextRoundAt) = (Guid.Empty, 0, Clock.GetUtcNow() + RoundEvery);
        return false;
    }

    private const string RebuildNextSql = """
        select product_id, coalesce(version, 0)
          from (select distinct product_id
                  from sku_claim where product_id > $1 order by product_id limit $2) as known
          left join listing using (product_id)
         order by product_id
        """;

    // The first run comes while the sidecar still starts; there will be another in a moment.
    private async Task<bool> IsDueAsync(CancellationToken token)
    {
        if (Clock.GetUtcNow() < _nextRoundAt && await db.ScalarAsync<bool>(RebuildIsListedSql, [], token))
            return false;
        return await sidecar.IsHealthyAsync(token);
    }

    private const string RebuildIsListedSql = """
        select exists (select from listing) or not exists (select from sku_claim)
        """;

    private async Task MendAsync(List<(Guid ProductId, long Version)> rows, CancellationToken token)
    {
        if (rows.Count == 0)
            return;
        var listed = rows.ToDictionary(row => row.ProductId, row => row.Version);
        var documents = await store.ReadManyAsync([.. listed.Keys], token);
        foreach (var document in documents)
        {
            if (document.Version <= listed[Products.IdOf(document)])
                continue;
            if (await db.InTransactionAsync(tx => Listing.ApplyAsync(tx, document), token))
                _mended++;
        }
    }

    private static (Guid ProductId, long Version) ReadRow(NpgsqlDataReader row) =>
        (row.GetGuid(0), row.GetInt64(1));

    [LoggerMessage(LogLevel.Warning, "The listing was behind the documents of {Count} products")]
    private static partial void LogMended(ILogger logger, int count);
}
