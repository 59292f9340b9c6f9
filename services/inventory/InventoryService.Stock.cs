using System.Globalization;
using Grpc.Core;
using Npgsql;
using Souk.Inventory.V1;

namespace Souk.Inventory;

internal sealed partial class InventoryService
{
    private const int LeadTimeDaysDefault = 7;
    private const int LeadTimeDaysMax = 365;
    private const int VelocityDays = 28;

    public override async Task<Stock> GetStock(GetStockRequest request, ServerCallContext context) =>
        await cache.GetAsync(request.Sku, context.CancellationToken)
        ?? throw Fault.NotFound("sku", request.Sku);

    public override async Task<ListStockMovementsResponse> ListStockMovements(
        ListStockMovementsRequest request,
        ServerCallContext context
    )
    {
        var page = pages.Open(nameof(ListStockMovements), request.PageSize, request.PageToken, request.Sku);
        var rows = await db.ListAsync(
            ListStockMovementsSql,
            [request.Sku, page.After<long>(0), page.Limit],
            ReadMovement,
            context.CancellationToken
        );
        var response = new ListStockMovementsResponse
        {
            NextPageToken = page.Next(rows, row => [row.MovementId]),
        };
        response.Movements.Add(rows);
        return response;
    }

    private const string ListStockMovementsSql = """
        select movement_id, item, place, kind, available_delta, reserved_delta, version, reference, created_at
          from movement
         where item = $1 and ($2::bigint is null or movement_id < $2)
         order by movement_id desc limit $3
        """;

    private static StockMovement ReadMovement(NpgsqlDataReader row) =>
        new()
        {
            MovementId = row.GetInt64(0),
            Sku = row.GetString(1),
            WarehouseId = row.GetString(2),
            Type = Enum.Parse<StockMovementType>(row.GetString(3), ignoreCase: true),
            AvailableDelta = row.GetInt64(4),
            ReservedDelta = row.GetInt64(5),
            Version = row.GetInt64(6),
            Reference = row.GetString(7),
            CreatedAt = row.Timestamp(8),
        };

    public override Task<Replenishment> GetReplenishment(
        GetReplenishmentRequest request,
        ServerCallContext context
    )
    {
        if (request.LeadTimeDays is < 0 or > LeadTimeDaysMax)
        {
            var range = string.Create(CultureInfo.InvariantCulture, $"must be 1 to {LeadTimeDaysMax}");
            throw Fault.InvalidArgument("lead_time_days", range);
        }
        var days = request.LeadTimeDays == 0 ? LeadTimeDaysDefault : request.LeadTimeDays;
        return db.InTransactionAsync(
            async tx =>
            {
                var stock = await StockCache.ReadAsync(tx, request.Sku, tx.CancellationToken);
                if (stock is null)
                    throw Fault.NotFound("sku", request.Sku);
                var sold = await tx.ScalarAsync<long>(
                    GetReplenishmentSql,
                    [request.Sku, tx.Clock.GetUtcNow().AddDays(-VelocityDays)],
                    tx.CancellationToken
                );
                return Replenish(request.Sku, sold, days, stock.Available);
            },
            context.CancellationToken
        );
    }

    // Units that came back were not sold after all.
    private const string GetReplenishmentSql = """
        select coalesce(sum(case kind when 'completed' then -reserved_delta else -available_delta end), 0)
               ::bigint
          from movement
         where item = $1 and created_at >= $2 and kind in ('completed', 'restocked')
        """;

    /// <summary>
    /// Velocity times lead time, less what is there: whole units, rounded up, never below 0.
    /// </summary>
    internal static Replenishment Replenish(string sku, long sold, int leadTimeDays, long onHand)
    {
        // Returns of older sales can outweigh the sales of the window.
        var net = Math.Max(sold, 0);
        var needed = (net * leadTimeDays + VelocityDays - 1) / VelocityDays;
        return new Replenishment
        {
            Sku = sku,
            DailyVelocity = (double)net / VelocityDays,
            LeadTimeDays = leadTimeDays,
            OnHand = onHand,
            SuggestedQuantity = Math.Max(needed - onHand, 0),
        };
    }

    public override async Task<ListWarehousesResponse> ListWarehouses(
        ListWarehousesRequest request,
        ServerCallContext context
    )
    {
        var response = new ListWarehousesResponse();
        response.Warehouses.Add(
            await db.ListAsync(ListWarehousesSql, [], ReadWarehouse, context.CancellationToken)
        );
        return response;
    }

    private const string ListWarehousesSql = """
        select warehouse_id, name, country, latitude, longitude
          from warehouse order by warehouse_id limit 1000
        """;

    private static Warehouse ReadWarehouse(NpgsqlDataReader row) =>
        new()
        {
            WarehouseId = row.GetString(0),
            Name = row.GetString(1),
            Country = row.GetString(2),
            Latitude = row.GetDouble(3),
            Longitude = row.GetDouble(4),
        };
}
