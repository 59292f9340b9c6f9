using Dapr.Common;
using Google.Protobuf;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.Client;

internal sealed partial class DaprClientGrpc
{
    /// <inheritdoc/>
    public override async Task<TValue> GetStateAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var state = await ReadStateAsync(storeName, key, consistencyMode, metadata, cancellationToken);
        return ReadJson<TValue>(state.Data, key);
    }

    /// <inheritdoc/>
    public override async Task<(TValue value, string etag)> GetStateAndETagAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var state = await ReadStateAsync(storeName, key, consistencyMode, metadata, cancellationToken);
        return (ReadJson<TValue>(state.Data, key), state.Etag);
    }

    /// <inheritdoc/>
    public override async Task<ReadOnlyMemory<byte>> GetByteStateAsync(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    ) => (await ReadStateAsync(storeName, key, consistencyMode, metadata, cancellationToken)).Data.Memory;

    /// <inheritdoc/>
    public override async Task<(ReadOnlyMemory<byte>, string etag)> GetByteStateAndETagAsync(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var state = await ReadStateAsync(storeName, key, consistencyMode, metadata, cancellationToken);
        return (state.Data.Memory, state.Etag);
    }

    /// <inheritdoc/>
    public override Task SaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        RequireKey(storeName, key);
        var item = StateMapping.Item(key, JsonPayload.Write(value, json), etag: null, stateOptions, metadata);
        return CallAsync(
            _sidecar.SaveStateAsync(One(storeName, item), Options(cancellationToken)),
            "SaveState"
        );
    }

    /// <inheritdoc/>
    public override Task<bool> TrySaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        string etag,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        RequireKey(storeName, key);
        ArgumentNullException.ThrowIfNull(etag);
        var item = StateMapping.Item(key, JsonPayload.Write(value, json), etag, stateOptions, metadata);
        return TryCallAsync(
            _sidecar.SaveStateAsync(One(storeName, item), Options(cancellationToken)),
            "SaveState"
        );
    }

    /// <inheritdoc/>
    public override Task SaveByteStateAsync(
        string storeName,
        string key,
        ReadOnlyMemory<byte> binaryValue,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        RequireKey(storeName, key);
        var bytes = UnsafeByteOperations.UnsafeWrap(binaryValue);
        var item = StateMapping.Item(key, bytes, etag: null, stateOptions, metadata);
        return CallAsync(
            _sidecar.SaveStateAsync(One(storeName, item), Options(cancellationToken)),
            "SaveState"
        );
    }

    /// <inheritdoc/>
    public override Task<bool> TrySaveByteStateAsync(
        string storeName,
        string key,
        ReadOnlyMemory<byte> binaryValue,
        string etag,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        RequireKey(storeName, key);
        ArgumentNullException.ThrowIfNull(etag);
        var bytes = UnsafeByteOperations.UnsafeWrap(binaryValue);
        var item = StateMapping.Item(key, bytes, etag, stateOptions, metadata);
        return TryCallAsync(
            _sidecar.SaveStateAsync(One(storeName, item), Options(cancellationToken)),
            "SaveState"
        );
    }

    /// <inheritdoc/>
    public override Task DeleteStateAsync(
        string storeName,
        string key,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var request = DeleteRequest(storeName, key, etag: null, stateOptions, metadata);
        return CallAsync(_sidecar.DeleteStateAsync(request, Options(cancellationToken)), "DeleteState");
    }

    /// <inheritdoc/>
    public override Task<bool> TryDeleteStateAsync(
        string storeName,
        string key,
        string etag,
        StateOptions? stateOptions = default,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(etag);
        var request = DeleteRequest(storeName, key, etag, stateOptions, metadata);
        return TryCallAsync(_sidecar.DeleteStateAsync(request, Options(cancellationToken)), "DeleteState");
    }

    private Task<Wire.GetStateResponse> ReadStateAsync(
        string storeName,
        string key,
        ConsistencyMode? consistency,
        IReadOnlyDictionary<string, string>? metadata,
        CancellationToken cancellationToken
    )
    {
        RequireKey(storeName, key);
        var request = new Wire.GetStateRequest
        {
            StoreName = storeName,
            Key = key,
            Consistency = StateMapping.Consistency(consistency),
        };
        Copy(metadata, request.Metadata);
        return CallAsync(_sidecar.GetStateAsync(request, Options(cancellationToken)), "GetState");
    }

    private static Wire.DeleteStateRequest DeleteRequest(
        string storeName,
        string key,
        string? etag,
        StateOptions? options,
        IReadOnlyDictionary<string, string>? metadata
    )
    {
        RequireKey(storeName, key);
        var request = new Wire.DeleteStateRequest
        {
            StoreName = storeName,
            Key = key,
            Etag = StateMapping.Etag(etag),
            Options = StateMapping.Options(options),
        };
        Copy(metadata, request.Metadata);
        return request;
    }

    private static Wire.SaveStateRequest One(string storeName, Wire.StateItem item) =>
        new() { StoreName = storeName, States = { item } };

    private static void RequireKey(string storeName, string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        ArgumentException.ThrowIfNullOrEmpty(key);
    }
}
