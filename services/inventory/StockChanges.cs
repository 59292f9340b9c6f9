using Google.Protobuf.WellKnownTypes;
using Souk.Inventory.V1;
using Souk.Shared.Holds;

namespace Souk.Inventory;

/// <summary>What a change of stock means to others: events, alerts, and this process's cache.</summary>
internal sealed class StockChanges(Outbox outbox, StockCache cache)
{
    /// <summary>Below this a SKU is low. Held units do not count.</summary>
    internal const long LowThreshold = 10;

    private const string UpdatedTopic = "inventory.updated";
    private const string LowTopic = "inventory.low_stock";

    /// <summary>Announces changes with the transaction that made them.</summary>
    internal async Task PublishAsync(DbTransaction tx, IReadOnlyList<PoolChange> changes)
    {
        if (changes.Count == 0)
            return;
        foreach (var (after, _) in changes)
        {
            outbox.Add(
                tx,
                UpdatedTopic,
                new InventoryUpdated
                {
                    Sku = after.Key.Item,
                    WarehouseId = after.Key.Place,
                    Available = after.Available,
                    Reserved = after.Reserved,
                    Version = after.Version,
                }
            );
        }
        tx.AfterCommit(() =>
        {
            foreach (var change in changes)
                cache.Forget(change.After.Key.Item);
        });
        if (MayCross(changes) is { Count: > 0 } deltas)
            await AlertAsync(tx, deltas);
    }

    /// <summary>
    /// The SKUs that this change may have taken across the threshold, and by how much each changed. A
    /// warehouse that has enough by itself, before and after, proves the opposite, and spares well-stocked
    /// SKUs the look at all warehouses.
    /// </summary>
    internal static Dictionary<string, long> MayCross(IReadOnlyList<PoolChange> changes) =>
        changes
            .GroupBy(change => change.After.Key.Item)
            .Where(sku => sku.Any(change => change.AvailableDelta != 0) && !sku.Any(IsPlenty))
            .ToDictionary(sku => sku.Key, sku => sku.Sum(change => change.AvailableDelta));

    private static bool IsPlenty(PoolChange change) =>
        change.AvailableBefore >= LowThreshold && change.After.Available >= LowThreshold;

    // Changes in two warehouses at once must not each think that the other has enough: the row of the SKU
    // puts them in line. Locked after the pools, in order, as everywhere.
    private async Task AlertAsync(DbTransaction tx, Dictionary<string, long> deltas)
    {
        string[] skus = [.. deltas.Keys];
        var now = tx.Clock.GetUtcNow();
        var batch = new DbBatch(tx);
        batch.Add(InsertLowStockSql, [skus, now]);
        var known = batch.Add(
            LockLowStockSql,
            [skus],
            row => (Sku: row.GetString(0), IsLow: row.GetBoolean(1))
        );
        var sums = batch.Add(SumStockSql, [skus], row => (Sku: row.GetString(0), Available: row.GetInt64(1)));
        await batch.RunAsync();
        var wasLow = known.ToDictionary(row => row.Sku, row => row.IsLow);
        foreach (var (sku, available) in sums)
        {
            var isLow = available < LowThreshold;
            // A delivery that is too small is no bad news; the first sale below the threshold is.
            if (isLow == wasLow[sku] || (isLow && deltas[sku] > 0))
                continue;
            tx.Defer(CrossLowStockSql, [sku, isLow, now]);
            outbox.Add(
                tx,
                LowTopic,
                new LowStock
                {
                    Sku = sku,
                    Available = available,
                    Threshold = LowThreshold,
                    Low = isLow,
                    ChangedAt = now.ToTimestamp(),
                }
            );
        }
    }

    private const string InsertLowStockSql = """
        insert into low_stock (sku, is_low, changed_at)
        select s.sku, false, $2 from unnest($1::text[]) as s(sku) order by s.sku on conflict (sku) do nothing
        """;

    private const string LockLowStockSql = """
        select sku, is_low from low_stock where sku = any($1) order by sku for update
        """;

    private const string SumStockSql = """
        select item, sum(available)::bigint from pool where item = any($1) group by item order by item
        """;

    private const string CrossLowStockSql = """
        update low_stock set is_low = $2, changed_at = $3 where sku = $1
        """;
}
