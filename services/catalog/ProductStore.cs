using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Catalog.V1;
using StateEtag = Dapr.Client.Autogen.Grpc.v1.Etag;

namespace Souk.Catalog;

/// <summary>
/// A document and the store's own name for its version, which the next write has to give back.
/// </summary>
internal sealed record StoredProduct(ProductDocument Document, string Etag);

/// <summary>
/// Product documents in Dapr's state store. A write and its product.changed event are one state transaction:
/// the component's outbox publishes the event if and only if the document was stored.
/// </summary>
internal sealed class ProductStore(Sidecar sidecar) : IDependency
{
    private const string Component = "catalogstore";
    private const string KeyPrefix = "product:";
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(8);
    private const int WriteAttemptsMax = 2;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly JsonFormatter Writer = new(
        JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true)
    );
    private static readonly JsonParser Reader = new(
        JsonParser.Settings.Default.WithIgnoreUnknownFields(true)
    );

    /// <inheritdoc />
    public async Task<bool> AnswersAsync(CancellationToken token)
    {
        try
        {
            await ReadRawAsync(Guid.Empty, token);
            return true;
        }
        catch (RpcException)
        {
            return false;
        }
    }

    /// <summary>The document as it is stored now; null when the product was never listed.</summary>
    internal async Task<StoredProduct?> ReadAsync(Guid productId, CancellationToken token) =>
        await ReadRawAsync(productId, token) is { } stored && !IsPlaceholder(stored) ? stored : null;

    /// <summary>The documents of those products that were listed.</summary>
    internal async Task<List<ProductDocument>> ReadManyAsync(
        IReadOnlyList<Guid> productIds,
        CancellationToken token
    )
    {
        var request = new GetBulkStateRequest { StoreName = Component };
        request.Keys.Add(productIds.Select(Key));
        try
        {
            var response = await sidecar.Dapr.GetBulkStateAsync(request, Options(ReadTimeout, token));
            if (response.Items.FirstOrDefault(item => item.Error.Length > 0) is { } failed)
                throw new RpcException(new Status(StatusCode.Unavailable, failed.Error));
            return
            [
                .. response
                    .Items.Where(item => !item.Data.IsEmpty)
                    .Select(item => Parse(item.Data, item.Etag))
                    .Where(stored => !IsPlaceholder(stored))
                    .Select(stored => stored.Document),
            ];
        }
        catch (RpcException e) when (!token.IsCancellationRequested)
        {
            throw Unavailable(e);
        }
    }

    /// <summary>Stores a document and publishes that it changed.</summary>
    /// <param name="etag">The stored version that it replaces; null when there must be none.</param>
    /// <returns>False when another write came first, so that the caller reads and decides again.</returns>
    internal async Task<bool> TryWriteAsync(ProductDocument next, string? etag, CancellationToken token)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await sidecar.Dapr.ExecuteStateTransactionAsync(
                    Transaction(next, etag),
                    Options(WriteTimeout, token)
                );
                return true;
            }
            catch (RpcException e) when (!token.IsCancellationRequested)
            {
                // A transaction reports a conflict as INTERNAL, like an outage, and an answer may get lost on
                // its way: what is stored now tells which it was.
                var id = Ids.Parse(ProductEditor.IdPrefix, next.Product.ProductId);
                var stored = await ReadRawAsync(id, token);
                if (stored is not null && stored.Document.Equals(next))
                    return true;
                if (stored?.Etag != etag)
                    return false;
                // Nothing was written, and a store that was restarted works again from its second call on.
                // Should the first one still be under way, the etag lets only one of them through.
                if (attempt == WriteAttemptsMax || e.StatusCode == StatusCode.DeadlineExceeded)
                    throw Unavailable(e);
            }
        }
    }

    /// <summary>
    /// Makes sure that no write that is under way can still give the SKU to the product: a document that is
    /// there gets a new etag, one that is not there gets a placeholder. Publishes nothing, for nothing
    /// changes.
    /// </summary>
    /// <returns>False when the product has the SKU, or was written in this very moment.</returns>
    internal async Task<bool> TryFenceAsync(Guid productId, string sku, CancellationToken token)
    {
        var stored = await ReadRawAsync(productId, token);
        if (stored is not null && IsPlaceholder(stored))
            return true;
        if (stored is not null && stored.Document.Product.Variants.Any(variant => variant.Sku == sku))
            return false;
        var item = Item(stored?.Document ?? Placeholder(productId), stored?.Etag);
        try
        {
            var request = new SaveStateRequest { StoreName = Component, States = { item } };
            await sidecar.Dapr.SaveStateAsync(request, Options(WriteTimeout, token));
            return true;
        }
        catch (RpcException e)
            when (e.StatusCode is StatusCode.Aborted or StatusCode.Internal && !token.IsCancellationRequested)
        {
            // Stores differ in how they refuse to create what exists: the next attempt finds out more.
            return false;
        }
    }

    private async Task<StoredProduct?> ReadRawAsync(Guid productId, CancellationToken token)
    {
        try
        {
            var response = await sidecar.Dapr.GetStateAsync(
                new GetStateRequest
                {
                    StoreName = Component,
                    Key = Key(productId),
                    Consistency = StateOptions.Types.StateConsistency.ConsistencyStrong,
                },
                Options(ReadTimeout, token)
            );
            return response.Data.IsEmpty ? null : Parse(response.Data, response.Etag);
        }
        catch (RpcException e) when (!token.IsCancellationRequested)
        {
            throw Unavailable(e);
        }
    }

    private static ExecuteStateTransactionRequest Transaction(ProductDocument next, string? etag)
    {
        var changed = new ProductChanged
        {
            ProductId = next.Product.ProductId,
            Version = next.Version,
            ChangedAt = next.Product.UpdatedAt,
        };
        var item = Item(next, etag);
        // Under the document's key, but only as the payload of its event: it is not stored.
        var projection = new StateItem
        {
            Key = item.Key,
            Value = ByteString.CopyFromUtf8(Writer.Format(changed)),
            Metadata =
            {
                ["outbox.projection"] = "true",
                ["contentType"] = "application/json",
                ["datacontenttype"] = "application/json",
            },
        };
        return new ExecuteStateTransactionRequest
        {
            StoreName = Component,
            Operations =
            {
                new TransactionalStateOperation { OperationType = "upsert", Request = item },
                new TransactionalStateOperation { OperationType = "upsert", Request = projection },
            },
        };
    }

    // First write without an etag means: only if there is nothing yet.
    private static StateItem Item(ProductDocument document, string? etag) =>
        new()
        {
            Key = KeyPrefix + document.Product.ProductId,
            Value = ByteString.CopyFromUtf8(Writer.Format(document)),
            Etag = etag is null ? null : new StateEtag { Value = etag },
            Options = new StateOptions
            {
                Concurrency = StateOptions.Types.StateConcurrency.ConcurrencyFirstWrite,
            },
            Metadata = { ["contentType"] = "application/json" },
        };

    private static StoredProduct Parse(ByteString json, string etag) =>
        new(Reader.Parse<ProductDocument>(json.ToStringUtf8()), etag);

    private static ProductDocument Placeholder(Guid productId) =>
        new()
        {
            Version = 1,
            Product = new Product
            {
                ProductId = Ids.Text(ProductEditor.IdPrefix, productId),
                Status = ProductStatus.Deleted,
            },
        };

    private static bool IsPlaceholder(StoredProduct stored) => stored.Document.Product.SellerId.Length == 0;

    private static string Key(Guid productId) => KeyPrefix + Ids.Text(ProductEditor.IdPrefix, productId);

    private static CallOptions Options(TimeSpan timeout, CancellationToken token) =>
        new(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + timeout, cancellationToken: token);

    // The runtime's own words may name hosts and tables; they stay in its log.
    private static RpcException Unavailable(RpcException cause) =>
        Fault.Is(cause, Souk.Type.Reason.DependencyUnavailable)
            ? cause
            : Fault.Unavailable(
                Souk.Type.Reason.DependencyUnavailable,
                "The product store does not answer; try again.",
                RetryAfter
            );
}
