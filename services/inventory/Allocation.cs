using System.Numerics;
using Souk.Shared.Holds;

namespace Souk.Inventory;

/// <summary>Which warehouses an order ships from. Pure: the same stock gives the same answer.</summary>
/// <remarks>
/// One warehouse if one has everything, else as few as possible, then the nearest. A SKU that still has to be
/// split comes from as few of those warehouses as possible, the nearest giving all it has.
/// </remarks>
internal static class Allocation
{
    // All sets of so many warehouses are tried (4,096); beyond that the choice is good, not provably best.
    private const int ExactMax = 12;

    /// <summary>Chooses warehouses, or names the first SKU of which there is not enough.</summary>
    /// <param name="wanted">Units by SKU, each above 0.</param>
    /// <param name="distanceKm">How far a warehouse is.</param>
    internal static AllocationPlan Plan(
        SortedDictionary<string, long> wanted,
        IReadOnlyList<PoolState> stock,
        Func<string, double> distanceKm
    )
    {
        var bySku = stock.ToLookup(pool => pool.Key.Item);
        foreach (var (sku, quantity) in wanted)
        {
            var available = bySku[sku].Sum(pool => pool.Available);
            if (available < quantity)
                return AllocationPlan.Short(sku, available, isUnknown: !bySku[sku].Any());
        }
        var offers = stock
            .Where(pool => pool.Available > 0 && wanted.ContainsKey(pool.Key.Item))
            .GroupBy(pool => pool.Key.Place)
            .Select(place => Offer.Of(place.Key, distanceKm(place.Key), place, wanted))
            .OrderBy(offer => offer.Km)
            .ThenBy(offer => offer.WarehouseId, StringComparer.Ordinal)
            .ToList();
        var chosen = Choose(offers, [.. wanted.Values]);
        var lines = wanted.SelectMany((line, sku) => Split(chosen, sku, line.Key, line.Value)).ToList();
        Invariant.That(lines.Sum(line => line.Quantity) == wanted.Values.Sum(), "parts add up to the order");
        return AllocationPlan.Of(lines);
    }

    private static IEnumerable<HoldLine> Split(List<Offer> chosen, int index, string sku, long quantity)
    {
        List<Offer> having =
        [
            .. chosen.Where(offer => offer.Units[index] > 0).Select(offer => offer.Only(index)),
        ];
        foreach (var offer in Choose(having, [quantity]))
        {
            var part = Math.Min(offer.Units[0], quantity);
            quantity -= part;
            if (part > 0)
                yield return new HoldLine(new PoolKey(sku, offer.WarehouseId), part);
        }
    }

    // The offers come nearest first and together they suffice; so does what is returned, in the same order.
    private static List<Offer> Choose(List<Offer> offers, long[] wanted)
    {
        if (offers.Find(offer => offer.Covers(wanted)) is { } single)
            return [single];
        return Smallest(offers.Count <= ExactMax ? offers : offers[..ExactMax], wanted)
            ?? Greedy(offers, wanted);
    }

    private static List<Offer>? Smallest(List<Offer> offers, long[] wanted)
    {
        List<Offer>? best = null;
        var bestKm = double.PositiveInfinity;
        for (var set = 1u; set < 1u << offers.Count; set++)
        {
            var size = BitOperations.PopCount(set);
            if (size > best?.Count)
                continue;
            List<Offer> members = [.. offers.Where((_, index) => (set >> index & 1) == 1)];
            var km = members.Sum(offer => offer.Km);
            if ((best is null || size < best.Count || km < bestKm) && Cover(members, wanted))
                (best, bestKm) = (members, km);
        }
        return best;
    }

    private static List<Offer> Greedy(List<Offer> offers, long[] wanted)
    {
        var missing = wanted.ToArray();
        List<Offer> left = [.. offers];
        List<Offer> chosen = [];
        while (missing.Any(units => units > 0))
        {
            // MaxBy keeps the first of equals, which is the nearest.
            var next = left.MaxBy(offer => offer.Helps(missing));
            Invariant.That(next is not null, "the warehouses together have enough");
            left.Remove(next);
            chosen.Add(next);
            for (var sku = 0; sku < missing.Length; sku++)
                missing[sku] -= Math.Min(missing[sku], next.Units[sku]);
        }
        return [.. chosen.OrderBy(offers.IndexOf)];
    }

    private static bool Cover(List<Offer> members, long[] wanted)
    {
        for (var sku = 0; sku < wanted.Length; sku++)
        {
            if (members.Sum(offer => offer.Units[sku]) < wanted[sku])
                return false;
        }
        return true;
    }

    /// <summary>What one warehouse has of each wanted SKU.</summary>
    private sealed record Offer(string WarehouseId, double Km, long[] Units)
    {
        internal static Offer Of(
            string warehouseId,
            double km,
            IEnumerable<PoolState> pools,
            SortedDictionary<string, long> wanted
        )
        {
            var bySku = pools.ToDictionary(pool => pool.Key.Item, pool => pool.Available);
            return new Offer(warehouseId, km, [.. wanted.Keys.Select(sku => bySku.GetValueOrDefault(sku))]);
        }

        internal Offer Only(int sku) => this with { Units = [Units[sku]] };

        internal bool Covers(long[] wanted) => Units.Zip(wanted).All(pair => pair.First >= pair.Second);

        internal long Helps(long[] missing) =>
            Units.Zip(missing).Sum(pair => Math.Min(pair.First, pair.Second));
    }
}

/// <summary>Lines to hold, or the first SKU that is short.</summary>
internal sealed record AllocationPlan
{
    /// <summary>Null when a SKU is short.</summary>
    public IReadOnlyList<HoldLine>? Lines { get; private init; }

    public string ShortSku { get; private init; } = "";

    /// <summary>What is left of the short SKU.</summary>
    public long Available { get; private init; }

    /// <summary>Whether no warehouse ever had the SKU.</summary>
    public bool IsUnknown { get; private init; }

    internal static AllocationPlan Of(IReadOnlyList<HoldLine> lines) => new() { Lines = lines };

    internal static AllocationPlan Short(string sku, long available, bool isUnknown) =>
        new()
        {
            ShortSku = sku,
            Available = available,
            IsUnknown = isUnknown,
        };
}
