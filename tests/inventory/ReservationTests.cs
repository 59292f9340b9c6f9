using Grpc.Core;
using Souk.Inventory.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Inventory;

[Parallelizable(ParallelScope.All)]
internal sealed class ReservationTests
{
    private static InventoryMesh Mesh => SharedInventory.Mesh;

    [Test, Description("INV-03, K8")]
    public async Task ReserveStock_EnoughLeft_HoldsForTenMinutes()
    {
        var sku = await Mesh.StockedAsync(10);
        var request = InventoryMesh.Request((sku, 4));
        var hold = await Mesh.Ordering.ReserveStockAsync(request);
        var expected = new StockHold
        {
            HoldId = request.HoldId,
            Status = HoldStatus.Active,
            ExpiresAt = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(
                Mesh.Mesh.Clock.GetUtcNow().AddMinutes(10)
            ),
            Reservations =
            {
                new Reservation
                {
                    ReservationId = hold.Reservations[0].ReservationId,
                    Sku = sku,
                    WarehouseId = "WH001",
                    Quantity = 4,
                },
            },
        };
        Assert.That(hold, Is.EqualTo(expected));
        Assert.That(Guid.TryParse(hold.Reservations[0].ReservationId, out _));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((6L, 4L)));
    }

    [Test, Description("INV-03")]
    public async Task ReserveStock_NotEnoughLeft_FailsWithOutOfStock()
    {
        var sku = await Mesh.StockedAsync(2, 3);
        var failure = await Failure.OfAsync(() => Reserve((sku, 6)));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "OUT_OF_STOCK")));
        Assert.That(failure.Metadata["sku"], Is.EqualTo(sku));
        Assert.That(failure.Metadata["available"], Is.EqualTo("5"));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((5L, 0L)));
    }

    [Test, Description("INV-03")]
    public async Task ReserveStock_UnknownSku_IsNotFound()
    {
        var known = await Mesh.StockedAsync(5);
        var failure = await Failure.OfAsync(() => Reserve((known, 1), (InventoryMesh.NewSku(), 1)));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND")));
        Assert.That(await Mesh.UnitsAsync(known), Is.EqualTo((5L, 0L)));
    }

    [TestCase(0, 0)]
    [TestCase(-1, 0)]
    [TestCase(100_001, 0)]
    [TestCase(1, -1)]
    [TestCase(1, 3601)]
    public async Task ReserveStock_BadNumber_IsInvalid(long quantity, int ttl)
    {
        var sku = await Mesh.StockedAsync(5);
        var request = InventoryMesh.Request((sku, quantity));
        request.TtlSeconds = ttl;
        await AssertInvalidAsync(request);
    }

    [Test]
    public async Task ReserveStock_BadIdOrNoLines_IsInvalid()
    {
        var sku = await Mesh.StockedAsync(5);
        var badId = InventoryMesh.Request((sku, 1));
        badId.HoldId = "not a uuid";
        await AssertInvalidAsync(badId);
        await AssertInvalidAsync(InventoryMesh.Request(), "FIELD_REQUIRED");
        await AssertInvalidAsync(InventoryMesh.Request([.. Enumerable.Repeat((sku, 1L), 201)]));
        await AssertInvalidAsync(InventoryMesh.Request(("", 1L)), "FIELD_REQUIRED");
    }

    [Test, Description("X-05")]
    public async Task ReserveStock_NotAService_IsDenied()
    {
        var buyer = Mesh.As(TestCaller.Buyer());
        var sku = await Mesh.StockedAsync(5);
        var failure = await Failure.OfAsync(() => buyer.ReserveStockAsync(InventoryMesh.Request((sku, 1))));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED")));
    }

    [Test, Description("INV-05")]
    public async Task ReserveStock_LinesOfOneSku_AreAddedUp()
    {
        var sku = await Mesh.StockedAsync(5);
        var failure = await Failure.OfAsync(() => Reserve((sku, 3), (sku, 3)));
        Assert.That(failure.Reason, Is.EqualTo("OUT_OF_STOCK"));
        var hold = await Mesh.ReserveAsync((sku, 2), (sku, 3));
        Assert.That(hold.Reservations.Single().Quantity, Is.EqualTo(5));
    }

    [Test, Description("INV-05")]
    public async Task ReserveStock_OneLineShort_HoldsNothing()
    {
        var (plenty, scarce) = (await Mesh.StockedAsync(50), await Mesh.StockedAsync(1));
        var failure = await Failure.OfAsync(() => Reserve((plenty, 2), (scarce, 2)));
        Assert.That(failure.Metadata["sku"], Is.EqualTo(scarce));
        Assert.That(await Mesh.UnitsAsync(plenty), Is.EqualTo((50L, 0L)));
        Assert.That(await Mesh.UnitsAsync(scarce), Is.EqualTo((1L, 0L)));
    }

    [Test, Description("X-09: also when the hold itself took the last units")]
    public async Task ReserveStock_SameHoldAgain_AnswersWithTheHold()
    {
        var sku = await Mesh.StockedAsync(4);
        var request = InventoryMesh.Request((sku, 4));
        var first = await Mesh.Ordering.ReserveStockAsync(request);
        Assert.That(await Mesh.Ordering.ReserveStockAsync(request), Is.EqualTo(first));
        await Mesh.Ordering.CompleteReservationAsync(
            new CompleteReservationRequest { HoldId = request.HoldId }
        );
        var later = await Mesh.Ordering.ReserveStockAsync(request);
        Assert.That(later.Status, Is.EqualTo(HoldStatus.Completed));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((0L, 0L)));
    }

    [Test, Description("X-09")]
    public async Task ReserveStock_SameHoldOtherContent_IsAMismatch()
    {
        var sku = await Mesh.StockedAsync(9);
        var request = InventoryMesh.Request((sku, 4));
        await Mesh.Ordering.ReserveStockAsync(request);
        request.Lines[0].Quantity = 5;
        var failure = await Failure.OfAsync(() => Mesh.Ordering.ReserveStockAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH")));
    }

    [Test, Description("INV-08, K11")]
    public async Task CompleteReservation_Twice_SellsOnce()
    {
        var sku = await Mesh.StockedAsync(10);
        var request = new CompleteReservationRequest { HoldId = (await Mesh.ReserveAsync((sku, 4))).HoldId };
        var first = await Mesh.Ordering.CompleteReservationAsync(request);
        Assert.That(first.Status, Is.EqualTo(HoldStatus.Completed));
        Assert.That(await Mesh.Ordering.CompleteReservationAsync(request), Is.EqualTo(first));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((6L, 0L)));
    }

    [Test, Description("K11")]
    public async Task CompleteReservation_Unknown_IsNotFound()
    {
        var failure = await Failure.OfAsync(() => Complete(InventoryMesh.NewHoldId()));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND")));
    }

    [Test, Description("K11")]
    public async Task CompleteReservation_Released_FailsWithReservationReleased()
    {
        var sku = await Mesh.StockedAsync(10);
        var hold = await Mesh.ReserveAsync((sku, 4));
        await Release(hold.HoldId);
        var failure = await Failure.OfAsync(() => Complete(hold.HoldId));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "RESERVATION_RELEASED")));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((10L, 0L)));
    }

    [Test, Description("INV-09")]
    public async Task ReleaseReservation_Twice_PutsBackOnce()
    {
        var sku = await Mesh.StockedAsync(3, 3);
        var hold = await Mesh.ReserveAsync((sku, 5));
        Assert.That((await Release(hold.HoldId)).Status, Is.EqualTo(HoldStatus.Cancelled));
        Assert.That((await Release(hold.HoldId)).Status, Is.EqualTo(HoldStatus.Cancelled));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((6L, 0L)));
        await Mesh.AssertAuditAsync(sku);
    }

    [Test, Description("INV-09")]
    public async Task ReleaseReservation_Completed_FailsWithReservationCompleted()
    {
        var sku = await Mesh.StockedAsync(10);
        var hold = await Mesh.ReserveAsync((sku, 4));
        await Complete(hold.HoldId);
        var failure = await Failure.OfAsync(() => Release(hold.HoldId));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "RESERVATION_COMPLETED")));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((6L, 0L)));
    }

    [Test, Description("K13: a compensation may overtake the reservation that it undoes")]
    public async Task ReleaseReservation_BeforeItWasMade_BarsTheLateReservation([Values] bool restock)
    {
        var sku = await Mesh.StockedAsync(10);
        var request = InventoryMesh.Request((sku, 4));
        if (restock)
            await Restock(request.HoldId);
        else
            await Release(request.HoldId);
        var failure = await Failure.OfAsync(() => Mesh.Ordering.ReserveStockAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "RESERVATION_RELEASED")));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((10L, 0L)));
    }

    [Test]
    public async Task RestockReservation_Completed_PutsBackOnce()
    {
        var sku = await Mesh.StockedAsync(10);
        var hold = await Mesh.ReserveAsync((sku, 4));
        await Complete(hold.HoldId);
        Assert.That((await Restock(hold.HoldId)).Status, Is.EqualTo(HoldStatus.Restocked));
        Assert.That((await Restock(hold.HoldId)).Status, Is.EqualTo(HoldStatus.Restocked));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((10L, 0L)));
        await Mesh.AssertAuditAsync(sku);
    }

    [Test]
    public async Task RestockReservation_Active_ReleasesIt()
    {
        var sku = await Mesh.StockedAsync(10);
        var hold = await Mesh.ReserveAsync((sku, 4));
        Assert.That((await Restock(hold.HoldId)).Status, Is.EqualTo(HoldStatus.Cancelled));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((10L, 0L)));
    }

    private static async Task AssertInvalidAsync(ReserveStockRequest request, string reason = "INVALID_FIELD")
    {
        var failure = await Failure.OfAsync(() => Mesh.Ordering.ReserveStockAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, reason)));
    }

    private static Task Reserve(params (string Sku, long Quantity)[] lines) => Mesh.ReserveAsync(lines);

    private static async Task<StockHold> Complete(string holdId) =>
        await Mesh.Ordering.CompleteReservationAsync(new CompleteReservationRequest { HoldId = holdId });

    private static async Task<StockHold> Release(string holdId) =>
        await Mesh.Ordering.ReleaseReservationAsync(new ReleaseReservationRequest { HoldId = holdId });

    private static async Task<StockHold> Restock(string holdId) =>
        await Mesh.Ordering.RestockReservationAsync(new RestockReservationRequest { HoldId = holdId });
}
