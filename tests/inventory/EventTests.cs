using Souk.Inventory;
using Souk.Inventory.V1;
using Souk.Shared.Holds;

namespace Souk.Tests.Inventory;

/// <summary>With a broker of its own: nobody else's events.</summary>
internal sealed class EventTests
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

    [Test, Description("INV-16, X-14: every change, in the order of its versions")]
    public async Task InventoryUpdated_ManyBuyers_VersionsOnlyRise()
    {
        var sku = await _mesh.StockedAsync(40);
        var holds = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _mesh.ReserveAsync((sku, 2))));
        await Task.WhenAll(
            holds.Select(async hold =>
                await _mesh.Ordering.CompleteReservationAsync(
                    new CompleteReservationRequest { HoldId = hold.HoldId }
                )
            )
        );
        await _mesh.Mesh.DeliverEventsAsync();
        var updates = UpdatesOf(sku);
        Assert.That(updates.Select(update => update.Version), Is.EqualTo(Enumerable.Range(1, 41)));
        Assert.That(
            updates[^1],
            Is.EqualTo(
                new InventoryUpdated
                {
                    Sku = sku,
                    WarehouseId = "WH001",
                    Version = 41,
                }
            )
        );
    }

    [Test, Description("INV-16, X-14: what changes nothing tells nothing")]
    public async Task InventoryUpdated_RefusedAndRepeatedCalls_AreNotAnnounced()
    {
        var sku = await _mesh.StockedAsync(40);
        var request = InventoryMesh.Request((sku, 2));
        await _mesh.Ordering.ReserveStockAsync(request);
        await _mesh.Ordering.ReserveStockAsync(request);
        Assert.That(() => _mesh.ReserveAsync((sku, 100)), Throws.Exception);
        for (var repeat = 0; repeat < 2; repeat++)
            await _mesh.Ordering.ReleaseReservationAsync(
                new ReleaseReservationRequest { HoldId = request.HoldId }
            );
        await _mesh.Mesh.DeliverEventsAsync();
        Assert.That(UpdatesOf(sku).Select(update => update.Version), Is.EqualTo([1, 2, 3]));
    }

    [Test, Description("INV-13: once per crossing, and again when it has recovered")]
    public async Task LowStock_AcrossTheThreshold_IsToldOncePerCrossing()
    {
        var sku = await _mesh.StockedAsync(8, 4);
        var first = await _mesh.ReserveAsync((sku, 2));
        Assert.That(await CrossingsAsync(sku), Has.Count.EqualTo(0), "12 and 10 are enough");
        var second = await _mesh.ReserveAsync((sku, 1));
        await _mesh.ReserveAsync((sku, 3));
        Assert.That(await CrossingsAsync(sku), Is.EqualTo([(9L, true)]), "held units do not count");
        await _mesh.ReceiveAsync(sku, "WH003", 3);
        Assert.That(await CrossingsAsync(sku), Is.EqualTo([(9L, true)]), "9 is still low");
        await ReleaseAsync(second);
        Assert.That(await CrossingsAsync(sku), Is.EqualTo([(9L, true), (10L, false)]));
        await _mesh.Ordering.CompleteReservationAsync(
            new CompleteReservationRequest { HoldId = first.HoldId }
        );
        Assert.That(await CrossingsAsync(sku), Has.Count.EqualTo(2), "a sale of held units changes nothing");
        await _mesh.ReserveAsync((sku, 1));
        Assert.That(await CrossingsAsync(sku), Is.EqualTo([(9L, true), (10L, false), (9L, true)]));
    }

    [Test, Description("INV-13: buyers in different warehouses together take it below")]
    public async Task LowStock_ManyBuyersInSeveralPlaces_IsToldOnce()
    {
        var sku = await _mesh.StockedAsync(9, 9, 9);
        await Task.WhenAll(Enumerable.Range(0, 27).Select(_ => _mesh.ReserveAsync((sku, 1))));
        Assert.That(await CrossingsAsync(sku), Is.EqualTo([(9L, true)]));
    }

    [Test, Description("INV-13: a small delivery is no bad news, the first sale from it is")]
    public async Task LowStock_NeverPlenty_IsToldWithTheFirstSale()
    {
        var sku = await _mesh.StockedAsync(5);
        Assert.That(await CrossingsAsync(sku), Is.Empty);
        await _mesh.ReserveAsync((sku, 1));
        await _mesh.ReserveAsync((sku, 1));
        Assert.That(await CrossingsAsync(sku), Is.EqualTo([(4L, true)]));
    }

    [TestCase(30, -5, false, Description = "enough before and after")]
    [TestCase(9, -5, true, Description = "crossed by itself")]
    [TestCase(12, 5, true, Description = "came from below")]
    [TestCase(3, 0, false, Description = "nothing that counts changed")]
    public void MayCross_OneWarehouse_AsksOnlyWhereItMatters(long after, long delta, bool expected)
    {
        var change = new PoolChange(new PoolState(new PoolKey("S", "W"), after, 0, 1), delta);
        Assert.That(StockChanges.MayCross([change]), Has.Count.EqualTo(expected ? 1 : 0));
    }

    private List<InventoryUpdated> UpdatesOf(string sku) =>
        [.. _mesh.Mesh.Bus.On<InventoryUpdated>("inventory.updated").Where(update => update.Sku == sku)];

    private async Task<List<(long Available, bool Low)>> CrossingsAsync(string sku)
    {
        await _mesh.Mesh.DeliverEventsAsync();
        var events = _mesh.Mesh.Bus.On<LowStock>("inventory.low_stock").Where(low => low.Sku == sku).ToList();
        Assert.That(events.Select(low => low.Threshold), Is.All.EqualTo(10));
        return [.. events.Select(low => (low.Available, low.Low))];
    }

    private async Task ReleaseAsync(StockHold hold) =>
        await _mesh.Ordering.ReleaseReservationAsync(new ReleaseReservationRequest { HoldId = hold.HoldId });
}
