namespace Souk.Shared.Holds;

/// <summary>
/// How a reservation deals with rivals for the same pools. Each path gives the same guarantees, from the
/// database alone; they differ in who waits and who tries again.
/// </summary>
internal interface IReservePath
{
    /// <summary>Claims the hold's id and takes its units, all or none, in the open transaction.</summary>
    Task<Reserving> ReserveAsync(DbTransaction tx, NewHold hold);

    /// <summary>
    /// Runs a whole transaction that reserves these items; a path may keep rivals apart meanwhile.
    /// </summary>
    Task<T> AroundAsync<T>(IReadOnlyList<string> items, Func<Task<T>> work, CancellationToken token) =>
        work();
}

/// <summary>Which path.</summary>
public enum HoldPath
{
    /// <summary>Row locks in key order: rivals wait for each other.</summary>
    Pessimistic,

    /// <summary>Compare-and-set on the version: rivals try again.</summary>
    Optimistic,

    /// <summary>
    /// The optimistic path below a distributed lock that keeps rivals apart most of the time.
    /// </summary>
    Leased,
}

/// <summary>A hold about to be made: lines added up by key, one array per column as SQL takes them.</summary>
internal sealed record NewHold(HoldRequest Request, DateTimeOffset Now, IReadOnlyList<HoldPart> Parts)
{
    internal string[] Items { get; } = [.. Parts.Select(part => part.Key.Item)];

    internal string[] Places { get; } = [.. Parts.Select(part => part.Key.Place)];

    internal long[] Quantities { get; } = [.. Parts.Select(part => part.Quantity)];

    internal Guid[] ReservationIds { get; } = [.. Parts.Select(part => part.ReservationId)];

    internal static NewHold From(HoldRequest request, IReadOnlyList<HoldLine> lines, TimeProvider clock)
    {
        Invariant.That(lines.Count > 0, "a hold has lines");
        Invariant.That(lines.All(line => line.Quantity > 0), "a held quantity is above 0");
        return new NewHold(
            request,
            clock.GetUtcNow(),
            [
                .. lines
                    .GroupBy(line => line.Key, line => line.Quantity)
                    .Select(group => new HoldPart(Ids.New(clock), group.Key, group.Sum())),
            ]
        );
    }

    /// <summary>
    /// The first key that stops the hold, and whether it is unknown; null when the pools suffice.
    /// </summary>
    internal (HoldShortage Shortage, bool IsMissing)? Lacks(IReadOnlyList<PoolState> pools)
    {
        var byKey = pools.ToDictionary(pool => pool.Key);
        foreach (
            var part in Parts
                .OrderBy(part => part.Key.Item, StringComparer.Ordinal)
                .ThenBy(part => part.Key.Place, StringComparer.Ordinal)
        )
        {
            if (!byKey.TryGetValue(part.Key, out var pool))
                return (new HoldShortage(part.Key, 0), true);
            if (pool.Available < part.Quantity)
                return (new HoldShortage(part.Key, pool.Available), false);
        }
        return null;
    }
}

/// <summary>What a path achieved.</summary>
/// <param name="IsClaimed">False when another hold has the id: nothing else happened then.</param>
/// <param name="Pools">The pools as they were before, as far as they exist.</param>
/// <param name="Changes">The pools after taking the units; empty when a unit was missing or rivals
/// won.</param>
internal sealed record Reserving(
    bool IsClaimed,
    IReadOnlyList<PoolState> Pools,
    IReadOnlyList<PoolChange> Changes
);
