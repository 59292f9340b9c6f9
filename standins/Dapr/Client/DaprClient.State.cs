namespace Dapr.Client;

public abstract partial class DaprClient
{
    /// <summary>Reads a value; a missing key gives the type's default.</summary>
    public abstract Task<TValue> GetStateAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads a value with its version; a missing key has an empty version.</summary>
    public abstract Task<(TValue value, string etag)> GetStateAndETagAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads a value as an entry that can save and delete itself.</summary>
    public async Task<StateEntry<TValue>> GetStateEntryAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var (value, etag) = await GetStateAndETagAsync<TValue>(
            storeName,
            key,
            consistencyMode,
            metadata,
            cancellationToken
        );
        return new StateEntry<TValue>(this, storeName, key, value, etag);
    }

    /// <summary>Reads many values as text.</summary>
    public abstract Task<IReadOnlyList<BulkStateItem>> GetBulkStateAsync(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads many values.</summary>
    public abstract Task<IReadOnlyList<BulkStateItem<TValue>>> GetBulkStateAsync<TValue>(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Writes a value.</summary>
    public abstract Task SaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Writes a value unless somebody else has written since; false when somebody has.</summary>
    public abstract Task<bool> TrySaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        string etag,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Writes many values, not atomically.</summary>
    public abstract Task SaveBulkStateAsync<TValue>(
        string storeName,
        IReadOnlyList<SaveStateItem<TValue>> items,
        CancellationToken cancellationToken = default
    );

    /// <summary>Deletes a key; a missing one is fine.</summary>
    public abstract Task DeleteStateAsync(
        string storeName,
        string key,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Deletes a key unless somebody else has written since; false when somebody has.</summary>
    public abstract Task<bool> TryDeleteStateAsync(
        string storeName,
        string key,
        string etag,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Deletes many keys, not atomically.</summary>
    public abstract Task DeleteBulkStateAsync(
        string storeName,
        IReadOnlyList<BulkDeleteStateItem> items,
        CancellationToken cancellationToken = default
    );

    /// <summary>Applies all operations or none. A version conflict is an exception like any other.</summary>
    public abstract Task ExecuteStateTransactionAsync(
        string storeName,
        IReadOnlyList<StateTransactionRequest> operations,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Writes bytes as they are.</summary>
    public abstract Task SaveByteStateAsync(
        string storeName,
        string key,
        ReadOnlyMemory<byte> binaryValue,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Writes bytes unless somebody else has written since; false when somebody has.</summary>
    public abstract Task<bool> TrySaveByteStateAsync(
        string storeName,
        string key,
        ReadOnlyMemory<byte> binaryValue,
        string etag,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads bytes; a missing key gives none.</summary>
    public abstract Task<ReadOnlyMemory<byte>> GetByteStateAsync(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads bytes with their version.</summary>
    public abstract Task<(ReadOnlyMemory<byte>, string etag)> GetByteStateAndETagAsync(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );
}
