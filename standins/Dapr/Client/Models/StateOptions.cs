namespace Dapr.Client;

/// <summary>How a write treats others' writes, and how fresh a read must be.</summary>
public class StateOptions
{
    /// <summary>How fresh a read must be; null leaves it to the store.</summary>
    public ConsistencyMode? Consistency { get; set; }

    /// <summary>How a write treats others' writes; null leaves it to the store.</summary>
    public ConcurrencyMode? Concurrency { get; set; }
}
