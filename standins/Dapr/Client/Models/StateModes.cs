namespace Dapr.Client;

/// <summary>How fresh a read must be.</summary>
public enum ConsistencyMode
{
    /// <summary>A recent value.</summary>
    Eventual,

    /// <summary>The latest value.</summary>
    Strong,
}

/// <summary>How a write treats others' writes.</summary>
public enum ConcurrencyMode
{
    /// <summary>A write with an old etag is refused.</summary>
    FirstWrite,

    /// <summary>The last write stays.</summary>
    LastWrite,
}

/// <summary>What a step of a transaction does.</summary>
public enum StateOperationType
{
    /// <summary>Writes the value.</summary>
    Upsert,

    /// <summary>Deletes the key.</summary>
    Delete,
}
