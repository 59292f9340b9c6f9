using Grpc.Core;
using Souk.Shared;

namespace Souk.Tests.Inventory;

/// <summary>Many buyers at once, over gRPC.</summary>
internal sealed class ContentionTests
{
    private static InventoryMesh Mesh => SharedInventory.Mesh;

    [Test, Description("INV-04, V5")]
    public async Task ReserveStock_OneLeftTenBuyers_ExactlyOneSucceeds()
    {
        var sku = await Mesh.StockedAsync(1);
        var answers = await BuyAsync(10, _ => [(sku, 1)]);
        Assert.That(answers.Count(answer => answer == "OK"), Is.EqualTo(1));
        Assert.That(answers.Count(answer => answer == "Aborted/OUT_OF_STOCK"), Is.EqualTo(9));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((0L, 1L)));
        await Mesh.AssertAuditAsync(sku);
    }

    [Test, Description("INV-04, INV-12: stock anywhere is stock; nobody is sent away before it is gone")]
    public async Task ReserveStock_TenLeftInThreePlacesHundredBuyers_ExactlyTenSucceed()
    {
        var sku = await Mesh.StockedAsync(4, 3, 3);
        var answers = await BuyAsync(100, _ => [(sku, 1)]);
        Assert.That(answers.Count(answer => answer == "OK"), Is.EqualTo(10));
        Assert.That(answers.Count(answer => answer == "Aborted/OUT_OF_STOCK"), Is.EqualTo(90));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((0L, 10L)));
        await Mesh.AssertAuditAsync(sku);
    }

    [Test, Description("INV-12: as many pairs as there are, though each place has an odd number")]
    public async Task ReserveStock_PairsFromOddPlaces_AreAllSold()
    {
        var sku = await Mesh.StockedAsync(15, 15, 10);
        var answers = await BuyAsync(40, _ => [(sku, 2)]);
        Assert.That(answers.Count(answer => answer == "OK"), Is.EqualTo(20));
        Assert.That(await Mesh.UnitsAsync(sku), Is.EqualTo((0L, 40L)));
    }

    [Test, Description("INV-05")]
    public async Task ReserveStock_ReversedLinesInParallel_NeverDeadlock()
    {
        var (a, b) = (await Mesh.StockedAsync(60, 60), await Mesh.StockedAsync(60, 60));
        var answers = await BuyAsync(60, n => n % 2 == 0 ? [(a, 1), (b, 2)] : [(b, 2), (a, 1)]);
        Assert.That(answers, Is.All.EqualTo("OK"));
        Assert.That(await Mesh.UnitsAsync(a), Is.EqualTo((60L, 60L)));
        Assert.That(await Mesh.UnitsAsync(b), Is.EqualTo((0L, 120L)));
    }

    private static async Task<string[]> BuyAsync(int buyers, Func<int, (string, long)[]> lines) =>
        await Task.WhenAll(
            Enumerable
                .Range(0, buyers)
                .Select(async buyer =>
                {
                    try
                    {
                        await Mesh.ReserveAsync(lines(buyer));
                        return "OK";
                    }
                    catch (RpcException e)
                    {
                        return $"{e.StatusCode}/{Fault.ReasonOf(e)}";
                    }
                })
        );
}
