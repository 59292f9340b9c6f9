using FsCheck;
using FsCheck.Fluent;
using Souk.Inventory;
using Souk.Shared.Holds;

namespace Souk.Tests.Inventory;

[Parallelizable(ParallelScope.All)]
internal sealed class AllocationTests
{
    [Test, Description("INV-12")]
    public void Plan_OneWarehouseHasAll_ShipsFromTheNearestSuch() =>
        Assert.That(
            Lines(
                Plan(
                    [("A", 2), ("B", 1)],
                    ("A", "near", 9),
                    ("A", "mid", 2),
                    ("B", "mid", 1),
                    ("A", "far", 9),
                    ("B", "far", 9)
                )
            ),
            Is.EqualTo("A mid 2, B mid 1")
        );

    [Test, Description("INV-12")]
    public void Plan_NoWarehouseHasAll_SplitsAsLittleAsPossible() =>
        Assert.That(
            Lines(Plan([("A", 10)], ("A", "near", 3), ("A", "mid", 4), ("A", "far", 6), ("A", "moon", 5))),
            Is.EqualTo("A mid 4, A far 6"),
            "two places, the nearest two that suffice; the nearer gives all it has"
        );

    [Test, Description("INV-12")]
    public void Plan_SeveralSmallestSplits_TakesTheNearest() =>
        Assert.That(
            Lines(Plan([("A", 6)], ("A", "near", 4), ("A", "mid", 4), ("A", "far", 4))),
            Is.EqualTo("A near 4, A mid 2")
        );

    [Test, Description("INV-12: an order of two SKUs splits by SKU before it splits a SKU")]
    public void Plan_TwoSkusInTwoPlaces_SplitsNoSkuWithoutNeed() =>
        Assert.That(
            Lines(Plan([("A", 3), ("B", 3)], ("A", "near", 3), ("B", "near", 1), ("B", "mid", 3))),
            Is.EqualTo("A near 3, B mid 3")
        );

    [Test]
    public void Plan_DistancesEqual_GoesByWarehouseId() =>
        Assert.That(
            Lines(Allocation.Plan(Wanted(("A", 1)), [Pool("A", "WH002", 5), Pool("A", "WH001", 5)], _ => 0)),
            Is.EqualTo("A WH001 1")
        );

    [Test]
    public void Plan_SkuShort_NamesItAndWhatIsLeft()
    {
        var plan = Plan([("A", 1), ("B", 6)], ("A", "near", 1), ("B", "near", 2), ("B", "far", 3));
        Assert.That(
            (plan.Lines, plan.ShortSku, plan.Available, plan.IsUnknown),
            Is.EqualTo(((IReadOnlyList<HoldLine>?)null, "B", 5L, false))
        );
        Assert.That(Plan([("Z", 1)], ("A", "near", 1)).IsUnknown);
    }

    [Test, Description("INV-12: beyond twelve places the choice is by greed, but still whole")]
    public void Plan_FortyPlacesWithOneUnit_TakesThemAll()
    {
        var stock = Enumerable.Range(0, 40).Select(n => Pool("A", $"W{n:D2}", 1)).ToList();
        var plan = Allocation.Plan(Wanted(("A", 40)), stock, _ => 1);
        Assert.That(plan.Lines, Has.Count.EqualTo(40));
    }

    [
        Test,
        Description(
            "INV-12: the sum is the order, no place gives more than it has, order of rows is no matter"
        )
    ]
    public void Plan_AnyStock_IsWholeFeasibleAndDeterministic() =>
        Prop.ForAll(Arb.From(Cases), example => IsSound(example.Wanted, example.Stock))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Test, Description("INV-12: no smaller set of places would do")]
    public void Plan_AnyStock_UsesTheFewestPlaces() =>
        Prop.ForAll(Arb.From(Cases), example => IsSmallest(example.Wanted, example.Stock))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    private static readonly Gen<(SortedDictionary<string, long> Wanted, List<PoolState> Stock)> Cases =
        from wanted in Gen.Choose(1, 12).ArrayOf(2)
        from units in Gen.Choose(0, 7).ArrayOf(10)
        select (
            Wanted(("A", wanted[0]), ("B", wanted[1])),
            units.Select((available, n) => Pool(n % 2 == 0 ? "A" : "B", $"W{n / 2}", available)).ToList()
        );

    private static bool IsSound(SortedDictionary<string, long> wanted, List<PoolState> stock)
    {
        var plan = Allocation.Plan(wanted, stock, KmOf);
        var suffices = wanted.All(line =>
            stock.Where(pool => pool.Key.Item == line.Key).Sum(pool => pool.Available) >= line.Value
        );
        if (plan.Lines is null)
            return !suffices;
        var again = Allocation.Plan(wanted, [.. Enumerable.Reverse(stock)], KmOf);
        return suffices
            && plan.Lines.SequenceEqual(again.Lines!)
            && wanted.All(line =>
                plan.Lines.Where(part => part.Key.Item == line.Key).Sum(part => part.Quantity) == line.Value
            )
            && plan.Lines.All(part =>
                part.Quantity > 0 && part.Quantity <= stock.Single(pool => pool.Key == part.Key).Available
            )
            && plan.Lines.Select(part => part.Key).Distinct().Count() == plan.Lines.Count;
    }

    private static bool IsSmallest(SortedDictionary<string, long> wanted, List<PoolState> stock)
    {
        if (Allocation.Plan(wanted, stock, KmOf).Lines is not { } lines)
            return true;
        var used = lines.Select(part => part.Key.Place).Distinct().Count();
        var places = stock.Select(pool => pool.Key.Place).Distinct().ToList();
        var smallest = Enumerable
            .Range(1, (1 << places.Count) - 1)
            .Where(set =>
                wanted.All(line =>
                    stock
                        .Where(pool =>
                            pool.Key.Item == line.Key && (set >> places.IndexOf(pool.Key.Place) & 1) == 1
                        )
                        .Sum(pool => pool.Available) >= line.Value
                )
            )
            .Min(set => System.Numerics.BitOperations.PopCount((uint)set));
        return used == smallest;
    }

    private static double KmOf(string warehouseId) =>
        warehouseId switch
        {
            "near" => 10,
            "mid" => 100,
            "far" => 1000,
            "moon" => 384_400,
            _ => 100 * (warehouseId[^1] - '0'),
        };

    private static AllocationPlan Plan(
        (string, long)[] wanted,
        params (string Sku, string WarehouseId, long Available)[] stock
    ) =>
        Allocation.Plan(
            Wanted(wanted),
            [.. stock.Select(row => Pool(row.Sku, row.WarehouseId, row.Available))],
            KmOf
        );

    private static SortedDictionary<string, long> Wanted(params (string Sku, long Quantity)[] lines)
    {
        var wanted = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (sku, quantity) in lines)
            wanted[sku] = quantity;
        return wanted;
    }

    private static PoolState Pool(string sku, string warehouseId, long available) =>
        new(new PoolKey(sku, warehouseId), available, 0, 1);

    private static string Lines(AllocationPlan plan) =>
        string.Join(", ", plan.Lines!.Select(line => $"{line.Key.Item} {line.Key.Place} {line.Quantity}"));
}
