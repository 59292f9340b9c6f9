using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Souk.Inventory.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Inventory;

[Parallelizable(ParallelScope.All)]
internal sealed class StockTests
{
    private static InventoryMesh Mesh => SharedInventory.Mesh;

    [Test, Description("INV-01, K9: one row per warehouse")]
    public async Task GetStock_InTwoWarehouses_AddsUp()
    {
        var sku = await Mesh.StockedAsync(10, 5);
        await Mesh.ReserveAsync((sku, 4));
        var expected = new Stock
        {
            Sku = sku,
            Available = 11,
            Reserved = 4,
            Total = 15,
            Warehouses =
            {
                Row("WH001", available: 6, reserved: 4, version: 2),
                Row("WH002", available: 5, reserved: 0, version: 1),
            },
        };
        Assert.That(await GetAsync(sku), Is.EqualTo(expected));
    }

    [Test]
    public async Task GetStock_NeverReceived_IsNotFound()
    {
        var failure = await Failure.OfAsync(() => GetAsync(InventoryMesh.NewSku()));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND")));
    }

    [Test, Description("INV-11: changes of this process show at once")]
    public async Task GetStock_AfterAnyChange_IsFresh()
    {
        var sku = await Mesh.StockedAsync(10);
        Assert.That((await GetAsync(sku)).Available, Is.EqualTo(10));
        var hold = await Mesh.ReserveAsync((sku, 4));
        Assert.That((await GetAsync(sku)).Available, Is.EqualTo(6));
        await Mesh.Ordering.ReleaseReservationAsync(new ReleaseReservationRequest { HoldId = hold.HoldId });
        Assert.That((await GetAsync(sku)).Available, Is.EqualTo(10));
    }

    [Test, Description("INV-01: the document's column names; UNIQUE(sku, warehouse_id); total is generated")]
    public async Task Inventory_ReadAsDocumented_HasTheDocumentsColumns()
    {
        var sku = await Mesh.StockedAsync(10);
        await Mesh.ReserveAsync((sku, 4));
        var row = await Mesh.Service.Db.OneAsync(
            """
            select sku, warehouse_id, available, reserved, total, last_updated from inventory
             where id > 0 and sku = $1
            """,
            [sku],
            row => row.GetString(1) + row.GetInt64(2) + row.GetInt64(3) + row.GetInt64(4),
            default
        );
        Assert.That(row, Is.EqualTo("WH0016410"));
        foreach (
            var breach in new[]
            {
                "insert into pool (item, place, updated_at) values ($1, 'WH001', now())",
                "update pool set available = -1 where item = $1",
                "update pool set reserved = -1 where item = $1",
                "insert into pool (item, place, updated_at) values ($1, 'WH999', now())",
            }
        )
            Assert.That(
                () => Mesh.Service.Db.ExecuteAsync(breach, [sku], default),
                Throws.TypeOf<PostgresException>(),
                breach
            );
    }

    [Test, Description("INV-02: the document's reservation row")]
    public async Task Reservation_ReadAsDocumented_HasTheDocumentsColumns()
    {
        var sku = await Mesh.StockedAsync(10);
        var hold = await Mesh.ReserveAsync((sku, 4));
        var row = await Mesh.Service.Db.OneAsync(
            """
            select reservation_id, sku, warehouse_id, quantity, user_id, order_id, expires_at,
                   created_at, status
              from reservation where sku = $1
            """,
            [sku],
            row => $"{row.GetGuid(0)} {row[3]} {row[4]} {row[5]} {row[8]}",
            default
        );
        Assert.That(row, Is.EqualTo($"{hold.Reservations[0].ReservationId} 4 user_1 ord_1 active"));
    }

    [Test, Description("INV-15")]
    public async Task ListStockMovements_OfALife_ReplaysToTheStock()
    {
        var sku = await Mesh.StockedAsync(10);
        var sold = (await Mesh.ReserveAsync((sku, 4))).HoldId;
        var left = (await Mesh.ReserveAsync((sku, 1))).HoldId;
        await Mesh.Ordering.CompleteReservationAsync(new CompleteReservationRequest { HoldId = sold });
        await Mesh.Ordering.ReleaseReservationAsync(new ReleaseReservationRequest { HoldId = left });
        await Mesh.Ordering.RestockReservationAsync(new RestockReservationRequest { HoldId = sold });
        var list = await ListAsync(new ListStockMovementsRequest { Sku = sku });
        Assert.That(
            list.Movements.Reverse()
                .Select(step =>
                    (step.Type, step.AvailableDelta, step.ReservedDelta, step.Version, step.Reference)
                ),
            Is.EqualTo([
                (StockMovementType.Received, 10L, 0L, 1L, "delivery"),
                (StockMovementType.Reserved, -4L, 4L, 2L, sold),
                (StockMovementType.Reserved, -1L, 1L, 3L, left),
                (StockMovementType.Completed, 0L, -4L, 4L, sold),
                (StockMovementType.Released, 1L, -1L, 5L, left),
                (StockMovementType.Restocked, 4L, 0L, 6L, sold),
            ])
        );
        var stock = await GetAsync(sku);
        Assert.That(list.Movements.Sum(step => step.AvailableDelta), Is.EqualTo(stock.Available));
        Assert.That(list.Movements.Sum(step => step.ReservedDelta), Is.EqualTo(stock.Reserved));
        Assert.That(
            list.Movements.Select(step => (step.WarehouseId, step.CreatedAt)),
            Is.All.EqualTo(("WH001", Timestamp.FromDateTimeOffset(Mesh.Mesh.Clock.GetUtcNow())))
        );
    }

    [Test]
    public async Task ListStockMovements_PageByPage_GivesEachOnce()
    {
        var sku = await Mesh.StockedAsync(10);
        for (var units = 1; units < 5; units++)
            await Mesh.ReceiveAsync(sku, "WH002", units);
        var request = new ListStockMovementsRequest { Sku = sku, PageSize = 2 };
        var seen = new List<StockMovement>();
        do
        {
            var page = await ListAsync(request);
            seen.AddRange(page.Movements);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);
        Assert.That(seen.Select(step => step.AvailableDelta), Is.EqualTo([4L, 3L, 2L, 1L, 10L]));
        Assert.That(seen.Select(step => step.MovementId), Is.Ordered.Descending);
    }

    [Test]
    public async Task ListStockMovements_TokenOfAnotherSku_IsInvalid()
    {
        var sku = await Mesh.StockedAsync(1, 1);
        var page = await ListAsync(new ListStockMovementsRequest { Sku = sku, PageSize = 1 });
        var failure = await Failure.OfAsync(() =>
            ListAsync(new ListStockMovementsRequest { Sku = "other", PageToken = page.NextPageToken })
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "PAGE_TOKEN_INVALID")));
    }

    [Test, Description("INV-14: velocity x lead time - on hand")]
    public async Task GetReplenishment_AfterSales_SuggestsWhatIsMissing()
    {
        var sku = await Mesh.StockedAsync(90);
        foreach (var quantity in new[] { 60, 24, 6 })
        {
            var hold = await Mesh.ReserveAsync((sku, quantity));
            await Mesh.Ordering.CompleteReservationAsync(
                new CompleteReservationRequest { HoldId = hold.HoldId }
            );
            if (quantity == 6)
                await Mesh.Ordering.RestockReservationAsync(
                    new RestockReservationRequest { HoldId = hold.HoldId }
                );
        }
        var expected = new Replenishment
        {
            Sku = sku,
            DailyVelocity = 3,
            LeadTimeDays = 7,
            OnHand = 6,
            SuggestedQuantity = 15,
        };
        Assert.That(await ReplenishAsync(sku, 0), Is.EqualTo(expected));
        Assert.That((await ReplenishAsync(sku, 1)).SuggestedQuantity, Is.Zero);
    }

    [Test]
    public async Task GetReplenishment_BadLeadTimeOrUnknownSku_Fails([Values(-1, 366)] int days)
    {
        var sku = await Mesh.StockedAsync(1);
        var failure = await Failure.OfAsync(() => ReplenishAsync(sku, days));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD")));
        failure = await Failure.OfAsync(() => ReplenishAsync(InventoryMesh.NewSku(), 7));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND")));
    }

    [TestCase(1, 7, 0, 1, Description = "a part of a unit is a unit")]
    [TestCase(28, 7, 0, 7)]
    [TestCase(29, 7, 0, 8)]
    [TestCase(28, 7, 9, 0)]
    [TestCase(-5, 7, 0, 0, Description = "more came back than was sold")]
    public void Replenish_Rounding_IsUpAndNeverNegative(long sold, int days, long onHand, long suggested) =>
        Assert.That(
            Souk.Inventory.InventoryService.Replenish("S", sold, days, onHand).SuggestedQuantity,
            Is.EqualTo(suggested)
        );

    [Test]
    public async Task ListWarehouses_FromMigration_AreThree()
    {
        var list = await Mesh.Anybody.ListWarehousesAsync(new ListWarehousesRequest());
        Assert.That(
            list.Warehouses.Select(warehouse => $"{warehouse.WarehouseId} {warehouse.Country}"),
            Is.EqualTo(["WH001 US", "WH002 NL", "WH003 SG"])
        );
    }

    private static WarehouseStock Row(string warehouseId, long available, long reserved, long version) =>
        new()
        {
            WarehouseId = warehouseId,
            Available = available,
            Reserved = reserved,
            Total = available + reserved,
            Version = version,
        };

    private static async Task<Stock> GetAsync(string sku) =>
        await Mesh.Anybody.GetStockAsync(new GetStockRequest { Sku = sku });

    private static async Task<ListStockMovementsResponse> ListAsync(ListStockMovementsRequest request) =>
        await Mesh.Operator.ListStockMovementsAsync(request);

    private static async Task<Replenishment> ReplenishAsync(string sku, int leadTimeDays) =>
        await Mesh.Operator.GetReplenishmentAsync(
            new GetReplenishmentRequest { Sku = sku, LeadTimeDays = leadTimeDays }
        );
}
