using Grpc.Core;
using Souk.Inventory;
using Souk.Inventory.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Inventory;

/// <summary>What time does to holds, caches and windows: with a clock of its own.</summary>
internal sealed class TimeTests
{
    private InventoryMesh _mesh = null!;

    [OneTimeSetUp]
    public async Task Start() => _mesh = await InventoryMesh.StartAsync();

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_mesh is not null)
            await _mesh.DisposeAsync();
    }

    [Test, Description("INV-10, V6, K10: holds of 2, 3 and 4 on one row")]
    public async Task ExpiryJob_HoldsDue_RestoresTheExactSum()
    {
        var sku = await _mesh.StockedAsync(10);
        foreach (var quantity in new[] { 2, 3, 4 })
            await _mesh.ReserveAsync((sku, quantity));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((1L, 9L)));
        await PassAsync(TimeSpan.FromMinutes(10));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((10L, 0L)));
        await _mesh.AssertAuditAsync(sku);
    }

    [Test, Description("INV-17: the buyer leaves")]
    public async Task ExpiryJob_AbandonedCheckout_PutsStockBackWithinElevenMinutes()
    {
        var sku = await _mesh.StockedAsync(3);
        await _mesh.ReserveAsync((sku, 3));
        await PassAsync(TimeSpan.FromMinutes(9));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((0L, 3L)));
        await PassAsync(TimeSpan.FromMinutes(2));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((3L, 0L)));
        await _mesh.Mesh.DeliverEventsAsync();
        var last = _mesh.Mesh.Bus.On<InventoryUpdated>("inventory.updated").Last(update => update.Sku == sku);
        Assert.That((last.Available, last.Reserved, last.Version), Is.EqualTo((3, 0, 3)));
    }

    [Test]
    public async Task ReserveStock_OwnTtl_DecidesWhenItLapses()
    {
        var sku = await _mesh.StockedAsync(3);
        var request = InventoryMesh.Request((sku, 1));
        request.TtlSeconds = 30;
        await _mesh.Ordering.ReserveStockAsync(request);
        await PassAsync(TimeSpan.FromSeconds(31));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((3L, 0L)));
    }

    [Test, Description("K11: before the job came and after")]
    public async Task CompleteReservation_TimeIsOver_FailsWithReservationExpired()
    {
        var sku = await _mesh.StockedAsync(3);
        var hold = await _mesh.ReserveAsync((sku, 2));
        _mesh.Mesh.Clock.Advance(TimeSpan.FromMinutes(10));
        var expected = new Failure(StatusCode.FailedPrecondition, "RESERVATION_EXPIRED");
        Assert.That(await CompleteAsync(hold), Is.EqualTo(expected));
        await PassAsync(TimeSpan.Zero);
        Assert.That(await CompleteAsync(hold), Is.EqualTo(expected));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((3L, 0L)));
    }

    [Test]
    public async Task ReleaseReservation_Expired_IsNoError()
    {
        var sku = await _mesh.StockedAsync(3);
        var hold = await _mesh.ReserveAsync((sku, 2));
        await PassAsync(TimeSpan.FromMinutes(10));
        var released = await _mesh.Ordering.ReleaseReservationAsync(
            new ReleaseReservationRequest { HoldId = hold.HoldId }
        );
        Assert.That(released.Status, Is.EqualTo(HoldStatus.Expired));
        Assert.That(await _mesh.UnitsAsync(sku), Is.EqualTo((3L, 0L)));
    }

    [Test, Description("INV-11, X-16: stale for at most 5 seconds, and no sale is decided by it")]
    public async Task GetStock_ChangedByAnotherProcess_ShowsWithinFiveSeconds()
    {
        var sku = await _mesh.StockedAsync(3);
        Assert.That((await GetAsync(sku)).Available, Is.EqualTo(3));
        await _mesh.Service.Db.ExecuteAsync("update pool set available = 1 where item = $1", [sku], default);
        _mesh.Mesh.Clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.That((await GetAsync(sku)).Available, Is.EqualTo(3));
        var failure = await Failure.OfAsync(() => _mesh.ReserveAsync((sku, 2)));
        Assert.That(failure.Metadata["available"], Is.EqualTo("1"));
        _mesh.Mesh.Clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.That((await GetAsync(sku)).Available, Is.EqualTo(1));
    }

    [Test, Description("INV-14: sales of the last 28 days only")]
    public async Task GetReplenishment_OldSales_DoNotCount()
    {
        var sku = await _mesh.StockedAsync(100);
        var hold = await _mesh.ReserveAsync((sku, 56));
        await _mesh.Ordering.CompleteReservationAsync(
            new CompleteReservationRequest { HoldId = hold.HoldId }
        );
        Assert.That(await VelocityAsync(sku), Is.EqualTo(2));
        await PassAsync(TimeSpan.FromDays(28) + TimeSpan.FromSeconds(1));
        Assert.That(await VelocityAsync(sku), Is.Zero);
    }

    private async Task PassAsync(TimeSpan time)
    {
        _mesh.Mesh.Clock.Advance(time);
        await _mesh.Service.RunJobAsync<ExpiryJob>();
    }

    private Task<Failure> CompleteAsync(StockHold hold) =>
        Failure.OfAsync(() =>
            _mesh.Ordering.CompleteReservationAsync(new CompleteReservationRequest { HoldId = hold.HoldId })
        );

    private async Task<Stock> GetAsync(string sku) =>
        await _mesh.Anybody.GetStockAsync(new GetStockRequest { Sku = sku });

    // Tokens live for minutes, so each call has a new one.
    private async Task<double> VelocityAsync(string sku) =>
        (await _mesh.Operator.GetReplenishmentAsync(new GetReplenishmentRequest { Sku = sku })).DailyVelocity;
}
