using Souk.Inventory;

namespace Souk.Tests.Inventory;

[Parallelizable(ParallelScope.All)]
internal sealed class NearnessTests
{
    private static readonly Place Rotterdam = new(51.92, 4.48);
    private static readonly Place Singapore = new(1.35, 103.82);

    [Test]
    public void DistanceKm_SameCountry_IsZero() => Assert.That(Km("nl", "NL", Rotterdam), Is.Zero);

    [Test]
    public void DistanceKm_OtherCountry_IsAboutRight()
    {
        Assert.That(Km("DE", "NL", Rotterdam), Is.EqualTo(400).Within(100));
        Assert.That(Km("DE", "SG", Singapore), Is.EqualTo(10_000).Within(500));
    }

    [Test]
    public void DistanceKm_CountryNotKnown_IsTheSameForAll([Values("", "XX")] string country) =>
        Assert.That(Km(country, "NL", Rotterdam), Is.EqualTo(Km(country, "SG", Singapore)));

    [TestCase("US", "WH001")]
    [TestCase("DE", "WH002")]
    [TestCase("AU", "WH003")]
    [TestCase("", "WH001")]
    [Description("INV-12")]
    public async Task ReserveStock_StockEverywhere_ShipsFromTheNearest(string country, string warehouseId)
    {
        var mesh = SharedInventory.Mesh;
        var request = InventoryMesh.Request((await mesh.StockedAsync(5, 5, 5), 2));
        request.Country = country;
        var hold = await mesh.Ordering.ReserveStockAsync(request);
        Assert.That(hold.Reservations.Select(part => part.WarehouseId), Is.EqualTo([warehouseId]));
    }

    [Test, Description("INV-12")]
    public async Task ReserveStock_NoPlaceHasAll_SplitsAndAddsUp()
    {
        var mesh = SharedInventory.Mesh;
        var request = InventoryMesh.Request((await mesh.StockedAsync(5, 4, 2), 9));
        request.Country = "SG";
        var hold = await mesh.Ordering.ReserveStockAsync(request);
        Assert.That(
            hold.Reservations.Select(part => (part.WarehouseId, part.Quantity)),
            Is.EqualTo([("WH001", 5L), ("WH002", 4L)])
        );
    }

    private static double Km(string country, string warehouseCountry, Place place)
    {
        var nearness = new Nearness(country);
        nearness.Add("W", warehouseCountry, place);
        return nearness.DistanceKm("W");
    }
}
