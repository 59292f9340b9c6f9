namespace Souk.Shared.Holds;

/// <summary>How an operation on a hold ended. Whatever is not Done changed nothing.</summary>
public enum HoldOutcome
{
    /// <summary>The operation took effect.</summary>
    Done,

    /// <summary>It had taken effect before: a repeat.</summary>
    Unchanged,

    /// <summary>There is no such hold.</summary>
    Unknown,

    /// <summary>A key has no pool.</summary>
    Missing,

    /// <summary>A pool has fewer units.</summary>
    Short,

    /// <summary>Rivals changed the pools again and again (optimistic path only).</summary>
    Conflict,

    /// <summary>The hold exists with other content.</summary>
    Mismatch,

    /// <summary>The hold's time was over.</summary>
    Expired,

    /// <summary>The hold was released.</summary>
    Released,

    /// <summary>The hold was completed.</summary>
    Completed,
}

/// <summary>The first key, in order, that stopped a hold, and what is free of it.</summary>
public sealed record HoldShortage(PoolKey Key, long Available);

/// <summary>An operation's outcome, the hold after it, and the pools that it changed.</summary>
public sealed record HoldResult(HoldOutcome Outcome, Hold? Hold = null)
{
    /// <summary>Every pool that changed, by key.</summary>
    public IReadOnlyList<PoolChange> Changes { get; init; } = [];

    /// <summary>What was missing or short.</summary>
    public HoldShortage? Shortage { get; init; }
}
