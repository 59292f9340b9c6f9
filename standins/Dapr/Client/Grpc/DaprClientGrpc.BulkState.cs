using System.Text.Json;
using Dapr.Common;
using Google.Protobuf;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.Client;

internal sealed partial class DaprClientGrpc
{
    /// <inheritdoc/>
    public override async Task<IReadOnlyList<BulkStateItem>> GetBulkStateAsync(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var items = await ReadBulkAsync(storeName, keys, parallelism, metadata, cancellationToken);
        return [.. items.Select(item => new BulkStateItem(item.Key, item.Data.ToStringUtf8(), item.Etag))];
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<BulkStateItem<TValue>>> GetBulkStateAsync<TValue>(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var items = await ReadBulkAsync(storeName, keys, parallelism, metadata, cancellationToken);
        return
        [
            .. items.Select(item => new BulkStateItem<TValue>(
                item.Key,
                ReadJson<TValue>(item.Data, item.Key),
                item.Etag
            )),
        ];
    }

    /// <inheritdoc/>
    public override Task SaveBulkStateAsync<TValue>(
        string storeName,
        IReadOnlyList<SaveStateItem<TValue>> items,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        RequireSome(items);
        var request = new Wire.SaveStateRequest { StoreName = storeName };
        foreach (var item in items)
        {
            var value = JsonPayload.Write(item.Value, json);
            request.States.Add(
                StateMapping.Item(item.Key, value, item.ETag, item.StateOptions, item.Metadata)
            );
        }
        return CallAsync(_sidecar.SaveStateAsync(request, Options(cancellationToken)), "SaveState");
    }

    /// <inheritdoc/>
    public override Task DeleteBulkStateAsync(
        string storeName,
        IReadOnlyList<BulkDeleteStateItem> items,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        RequireSome(items);
        var request = new Wire.DeleteBulkStateRequest { StoreName = storeName };
        foreach (var item in items)
            request.States.Add(
                StateMapping.Item(item.Key, ByteString.Empty, item.ETag, item.StateOptions, item.Metadata)
            );
        return CallAsync(
            _sidecar.DeleteBulkStateAsync(request, Options(cancellationToken)),
            "DeleteBulkState"
        );
    }

    /// <inheritdoc/>
    public override Task ExecuteStateTransactionAsync(
        string storeName,
        IReadOnlyList<StateTransactionRequest> operations,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        RequireSome(operations);
        var request = new Wire.ExecuteStateTransactionRequest { StoreName = storeName };
        foreach (var operation in operations)
            request.Operations.Add(
                new Wire.TransactionalStateOperation
                {
                    OperationType = StateMapping.Operation(operation.OperationType),
                    Request = StateMapping.Item(
                        operation.Key,
                        UnsafeByteOperations.UnsafeWrap(operation.Value),
                        operation.ETag,
                        operation.Options,
                        operation.Metadata
                    ),
                }
            );
        Copy(metadata, request.Metadata);
        return CallAsync(
            _sidecar.ExecuteStateTransactionAsync(request, Options(cancellationToken)),
            "ExecuteStateTransaction"
        );
    }

    private async Task<IReadOnlyList<Wire.BulkStateItem>> ReadBulkAsync(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata,
        CancellationToken cancellationToken
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        RequireSome(keys);
        var request = new Wire.GetBulkStateRequest
        {
            StoreName = storeName,
            Parallelism = parallelism ?? 0,
            Keys = { keys },
        };
        Copy(metadata, request.Metadata);
        var answer = await CallAsync(
            _sidecar.GetBulkStateAsync(request, Options(cancellationToken)),
            "GetBulkState"
        );
        // A key that could not be read must not pass for a key that is not there.
        var failed = answer.Items.FirstOrDefault(item => item.Error.Length > 0);
        return failed is null
            ? answer.Items
            : throw new DaprException($"The sidecar could not read key {failed.Key}: {failed.Error}");
    }

    private TValue ReadJson<TValue>(ByteString data, string key)
    {
        try
        {
            return JsonPayload.Read<TValue>(data, json);
        }
        catch (JsonException unreadable)
        {
            throw new DaprException($"The value of key {key} is not a {typeof(TValue).Name}.", unreadable);
        }
    }

    private static void RequireSome<TItem>(IReadOnlyList<TItem> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0)
            throw new ArgumentException("At least one item is needed.", nameof(items));
    }
}
