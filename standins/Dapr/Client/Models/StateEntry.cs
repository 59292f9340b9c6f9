using Dapr.Client;

namespace Dapr;

/// <summary>A key with its value and version, able to save and delete itself.</summary>
public sealed class StateEntry<TValue>
{
    private readonly DaprClient _client;

    /// <summary>Wraps what was read.</summary>
    public StateEntry(DaprClient client, string storeName, string key, TValue value, string etag)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        ArgumentException.ThrowIfNullOrEmpty(key);
        _client = client;
        StoreName = storeName;
        Key = key;
        Value = value;
        ETag = etag;
    }

    /// <summary>The store.</summary>
    public string StoreName { get; }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>The value; change it, then save.</summary>
    public TValue Value { get; set; }

    /// <summary>The version that was read.</summary>
    public string ETag { get; }

    /// <summary>Writes the value, whatever others wrote.</summary>
    public Task SaveAsync(
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    ) => _client.SaveStateAsync(StoreName, Key, Value, stateOptions, metadata, cancellationToken);

    /// <summary>Writes the value if nobody wrote since it was read.</summary>
    public Task<bool> TrySaveAsync(
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    ) => _client.TrySaveStateAsync(StoreName, Key, Value, ETag, stateOptions, metadata, cancellationToken);

    /// <summary>Deletes the key, whatever others wrote.</summary>
    public Task DeleteAsync(
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    ) => _client.DeleteStateAsync(StoreName, Key, stateOptions, metadata, cancellationToken);

    /// <summary>Deletes the key if nobody wrote since it was read.</summary>
    public Task<bool> TryDeleteAsync(
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    ) => _client.TryDeleteStateAsync(StoreName, Key, ETag, stateOptions, metadata, cancellationToken);
}
