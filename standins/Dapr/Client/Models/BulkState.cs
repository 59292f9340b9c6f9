namespace Dapr.Client;

/// <summary>A key read in bulk, its value as text; empty when the key is missing.</summary>
public readonly struct BulkStateItem(string key, string value, string etag)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The stored text.</summary>
    public string Value { get; } = value;

    /// <summary>The version.</summary>
    public string ETag { get; } = etag;
}

/// <summary>A key read in bulk.</summary>
public readonly struct BulkStateItem<TValue>(string key, TValue value, string etag)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The value; the type's default when the key is missing.</summary>
    public TValue Value { get; } = value;

    /// <summary>The version.</summary>
    public string ETag { get; } = etag;
}

/// <summary>A key to be written in bulk.</summary>
public readonly struct SaveStateItem<TValue>(
    string key,
    TValue value,
    string etag,
    StateOptions? stateOptions = default,
    IReadOnlyDictionary<string, string>? metadata = default
)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The value.</summary>
    public TValue Value { get; } = value;

    /// <summary>The version that must still be there; null does not check.</summary>
    public string ETag { get; } = etag;

    /// <summary>How the write treats others' writes.</summary>
    public StateOptions? StateOptions { get; } = stateOptions;

    /// <summary>Store specific settings.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; } = metadata;
}

/// <summary>A key to be deleted in bulk.</summary>
public readonly struct BulkDeleteStateItem(
    string key,
    string etag,
    StateOptions? stateOptions = default,
    IReadOnlyDictionary<string, string>? metadata = default
)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The version that must still be there; null does not check.</summary>
    public string ETag { get; } = etag;

    /// <summary>How the deletion treats others' writes.</summary>
    public StateOptions? StateOptions { get; } = stateOptions;

    /// <summary>Store specific settings.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; } = metadata;
}
