using Npgsql;
using Souk.Inventory.V1;

namespace Souk.Inventory;

/// <summary>
/// Stock for display, at most 5 seconds old. One read per SKU at a time however many ask; changes of this
/// process show at once. A reservation never looks here.
/// </summary>
internal sealed class StockCache(Db db, TimeProvider clock)
{
    private const int SkusMax = 5000;
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);

    private readonly BoundedCache<string, Entry> _entries = new(SkusMax);
    private readonly Lock _gate = new();

    /// <summary>The SKU's stock over all warehouses; null when none ever received it.</summary>
    internal Task<Stock?> GetAsync(string sku, CancellationToken token)
    {
        var now = clock.GetUtcNow();
        if (_entries.TryGet(sku, out var entry) && entry.IsGood(now))
            return entry.Stock.WaitAsync(token);
        lock (_gate)
        {
            if (!_entries.TryGet(sku, out entry) || !entry.IsGood(now))
            {
                // Others wait for this read, too: it does not end with the caller that happened to start it.
                entry = new Entry(ReadAsync(db, sku, CancellationToken.None), now + Ttl);
                _entries.Set(sku, entry);
            }
        }
        return entry.Stock.WaitAsync(token);
    }

    /// <summary>Forgets the SKU, and a read of it that is under way.</summary>
    internal void Forget(string sku)
    {
        lock (_gate)
            _entries.Remove(sku);
    }

    /// <summary>Reads the SKU's stock as it is.</summary>
    internal static async Task<Stock?> ReadAsync(DbQueries queries, string sku, CancellationToken token)
    {
        var rows = await queries.ListAsync(GetStockSql, [sku], ReadRow, token);
        if (rows.Count == 0)
            return null;
        var stock = new Stock
        {
            Sku = sku,
            Available = rows.Sum(row => row.Available),
            Reserved = rows.Sum(row => row.Reserved),
            Total = rows.Sum(row => row.Total),
        };
        stock.Warehouses.Add(rows);
        return stock;
    }

    private const string GetStockSql = """
        select place, available, reserved, total, version from pool where item = $1 order by place limit 1000
        """;

    private static WarehouseStock ReadRow(NpgsqlDataReader row) =>
        new()
        {
            WarehouseId = row.GetString(0),
            Available = row.GetInt64(1),
            Reserved = row.GetInt64(2),
            Total = row.GetInt64(3),
            Version = row.GetInt64(4),
        };

    private sealed record Entry(Task<Stock?> Stock, DateTimeOffset ExpiresAt)
    {
        internal bool IsGood(DateTimeOffset now) =>
            ExpiresAt > now && Stock is { IsFaulted: false, IsCanceled: false };
    }
}
