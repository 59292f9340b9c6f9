namespace Dapr.Client;

/// <summary>One step of a state transaction.</summary>
public sealed class StateTransactionRequest
{
    /// <summary>How the step treats others' writes. A field because it is one in the official SDK.</summary>
    public StateOptions? Options;

    /// <summary>Describes a step.</summary>
    public StateTransactionRequest(
        string key,
        byte[]? value,
        StateOperationType operationType,
        string? etag = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        StateOptions? options = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        Key = key;
        Value = value;
        OperationType = operationType;
        ETag = etag;
        Metadata = metadata;
        Options = options;
    }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>The bytes to write; none for a deletion.</summary>
    public byte[]? Value { get; set; }

    /// <summary>Upsert or delete.</summary>
    public StateOperationType? OperationType { get; set; }

    /// <summary>The version that must still be there; null does not check.</summary>
    public string? ETag { get; set; }

    /// <summary>Store specific settings, such as ttlInSeconds.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; set; }
}
