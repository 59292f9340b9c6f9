using Npgsql;

namespace Souk.Shared.Holds;

/// <summary>
/// What can be held: units of an item at a place, such as a SKU in a warehouse or nights of a room.
/// </summary>
public readonly record struct PoolKey(string Item, string Place);

/// <summary>A quantity of one key, above 0.</summary>
public readonly record struct HoldLine(PoolKey Key, long Quantity);

/// <summary>
/// A pool as it was read: units that are free, units that are held, and how often it changed.
/// </summary>
public sealed record PoolState(PoolKey Key, long Available, long Reserved, long Version)
{
    /// <summary>Reads the columns item, place, available, reserved, version.</summary>
    public static PoolState Read(NpgsqlDataReader row) =>
        new(
            new PoolKey(row.GetString(0), row.GetString(1)),
            row.GetInt64(2),
            row.GetInt64(3),
            row.GetInt64(4)
        );
}

/// <summary>A pool after a change, and by how much its free units changed.</summary>
public sealed record PoolChange(PoolState After, long AvailableDelta)
{
    /// <summary>Free units before the change.</summary>
    public long AvailableBefore => After.Available - AvailableDelta;

    /// <summary>Reads the columns of a pool and, after them, the delta.</summary>
    internal static PoolChange Read(NpgsqlDataReader row) => new(PoolState.Read(row), row.GetInt64(5));
}
