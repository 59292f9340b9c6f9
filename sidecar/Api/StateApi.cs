using System.Globalization;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Souk.Sidecar.Files;
using Souk.Sidecar.PubSub;
using Souk.Sidecar.State;

namespace Souk.Sidecar.Api;

/// <summary>State, whatever the caller speaks.</summary>
internal static class StateApi
{
    // A bulk call may not take the store's whole pool.
    private const int ParallelismMax = 10;

    public static async Task<GetStateResponse> GetAsync(
        SidecarApp app,
        GetStateRequest request,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.StoreName);
        var key = StateItems.StoredKey(app, component, request.Key);
        try
        {
            var value = await component.Store.GetAsync(key, cancellation);
            var response = new GetStateResponse();
            if (value is not null)
            {
                response.Data = UnsafeByteOperations.UnsafeWrap(value.Data);
                response.Etag = value.Etag;
                if (ExpireText(value) is { } expireTime)
                    response.Metadata.Add("ttlExpireTime", expireTime);
            }
            return response;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw DaprFault.StateGet(app, component.Name, request.Key, e);
        }
    }

    public static async Task<GetBulkStateResponse> GetBulkAsync(
        SidecarApp app,
        GetBulkStateRequest request,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.StoreName);
        var stored = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var key in request.Keys)
            stored[key] = StateItems.StoredKey(app, component, key);
        var response = new GetBulkStateResponse();
        if (stored.Count == 0)
            return response;
        try
        {
            var values = await component.Store.GetManyAsync(stored.Values, cancellation);
            foreach (var (key, storedKey) in stored)
                response.Items.Add(ToItem(key, values.GetValueOrDefault(storedKey)));
        }
        catch (StateStoreException) when (stored.Count > 1)
        {
            // What the store refuses for one key says nothing about the others.
            foreach (var chunk in stored.Chunk(ParallelismMax))
                response.Items.Add(
                    await Task.WhenAll(chunk.Select(pair => GetAloneAsync(component, pair, cancellation)))
                );
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            foreach (var key in stored.Keys)
                response.Items.Add(new BulkStateItem { Key = key, Error = e.Message });
        }
        return response;
    }

    public static async Task SaveAsync(
        SidecarApp app,
        SaveStateRequest request,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.StoreName);
        // Keys are checked before anything is written; what else is wrong with an item is that item's
        // failure.
        foreach (var item in request.States)
            StateItems.StoredKey(app, component, item.Key);
        var failures = await EachAsync(
            request.States,
            item => component.Store.ApplyAsync(StateItems.Upsert(app, component, item), cancellation)
        );
        if (failures.Count > 0)
            throw DaprFault.StateSave(app, component.Name, failures);
    }

    public static async Task DeleteAsync(
        SidecarApp app,
        DeleteStateRequest request,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.StoreName);
        var item = new StateItem
        {
            Key = request.Key,
            Etag = request.Etag,
            Options = request.Options,
        };
        var change = StateItems.Delete(app, component, item);
        try
        {
            await component.Store.ApplyAsync(change, cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw DaprFault.StateDelete(app, request.Key, e);
        }
    }

    public static async Task DeleteBulkAsync(
        SidecarApp app,
        DeleteBulkStateRequest request,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.StoreName);
        foreach (var item in request.States)
            StateItems.StoredKey(app, component, item.Key);
        var failures = await EachAsync(
            request.States,
            item => component.Store.ApplyAsync(StateItems.Delete(app, component, item), cancellation)
        );
        if (failures.Count > 0)
            throw DaprFault.StateBulkDelete(app, component.Name, failures);
    }

    public static async Task TransactAsync(
        SidecarApp app,
        ExecuteStateTransactionRequest request,
        CancellationToken cancellation
    )
    {
        var component = ComponentOf(app, request.StoreName);
        if (request.Operations.Count == 0)
            return;
        try
        {
            var transaction = StateTransaction.Read(app, component, request);
            if (app.OutboxOf(component) is { } outbox)
                await outbox.TransactAsync(transaction.Changes, transaction.Events, cancellation);
            else
                await component.Store.TransactAsync(transaction.Changes, cancellation);
        }
        catch (OutboxPublishException e)
        {
            throw DaprFault.OutboxPublish(app, e);
        }
        catch (Exception e) when (e is not (OperationCanceledException or DaprException))
        {
            throw DaprFault.Transaction(app, e);
        }
    }

    private static StateComponent ComponentOf(SidecarApp app, string name)
    {
        if (app.Components.States.Count == 0)
            throw DaprFault.StateNotConfigured(app);
        return app.Components.State(name) ?? throw DaprFault.StateNotFound(app, name);
    }

    private static async Task<BulkStateItem> GetAloneAsync(
        StateComponent component,
        KeyValuePair<string, string> stored,
        CancellationToken cancellation
    )
    {
        try
        {
            return ToItem(stored.Key, await component.Store.GetAsync(stored.Value, cancellation));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new BulkStateItem { Key = stored.Key, Error = e.Message };
        }
    }

    private static BulkStateItem ToItem(string key, StateValue? value)
    {
        var item = new BulkStateItem { Key = key };
        if (value is null)
            return item;
        item.Data = UnsafeByteOperations.UnsafeWrap(value.Data);
        item.Etag = value.Etag;
        if (ExpireText(value) is { } expireTime)
            item.Metadata.Add("ttlExpireTime", expireTime);
        return item;
    }

    private static string? ExpireText(StateValue value) =>
        value.ExpireTime?.UtcDateTime.ToString(
            "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'",
            CultureInfo.InvariantCulture
        );

    // Runs the items side by side, a few at a time, and gathers what went wrong. Items do not stop one
    // another.
    private static async Task<List<Exception>> EachAsync(
        IReadOnlyList<StateItem> items,
        Func<StateItem, Task> step
    )
    {
        var failures = new List<Exception>();
        foreach (var chunk in items.Chunk(ParallelismMax))
        {
            var results = await Task.WhenAll(chunk.Select(item => TryAsync(item, step)));
            failures.AddRange(results.OfType<Exception>());
        }
        return failures;
    }

    private static async Task<Exception?> TryAsync(StateItem item, Func<StateItem, Task> step)
    {
        try
        {
            await step(item);
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e;
        }
    }
}

/// <summary>
/// A transaction request as changes and, where the store has an outbox, the events that go with them.
/// </summary>
internal sealed record StateTransaction(List<StateChange> Changes, IReadOnlyList<EventDraft> Events)
{
    private const string Projection = "outbox.projection";
    private const string Override = "cloudevent.";

    public static StateTransaction Read(
        SidecarApp app,
        StateComponent component,
        ExecuteStateTransactionRequest request
    )
    {
        var changes = new List<StateChange>(request.Operations.Count + 1);
        var events = new List<EventDraft>();
        foreach (var operation in request.Operations)
        {
            var item = operation.Request ?? new StateItem();
            switch (operation.OperationType)
            {
                case "upsert" when component.Outbox is { } outbox:
                    if (IsProjection(item))
                        break;
                    changes.Add(StateItems.Upsert(app, component, item));
                    events.Add(EventFor(app, outbox, item, request));
                    break;
                case "upsert":
                    changes.Add(StateItems.Upsert(app, component, item));
                    break;
                case "delete":
                    changes.Add(StateItems.Delete(app, component, item));
                    break;
                default:
                    throw DaprFault.UnknownOperation(app, operation.OperationType);
            }
        }
        return new StateTransaction(changes, events);
    }

    private static bool IsProjection(StateItem item) =>
        item.Metadata.TryGetValue(Projection, out var flag)
        && GoValues.TryBool(flag, out var projects)
        && projects;

    private static EventDraft EventFor(
        SidecarApp app,
        OutboxSettings outbox,
        StateItem item,
        ExecuteStateTransactionRequest request
    )
    {
        var projection = request
            .Operations.Select(operation => operation.Request)
            .FirstOrDefault(other => other is not null && other.Key == item.Key && IsProjection(other));
        var shown = projection ?? item;
        var extra = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in shown.Metadata)
        {
            var attribute = name.StartsWith(Override, StringComparison.Ordinal)
                ? name[Override.Length..]
                : name;
            if (IsAttribute(attribute))
                extra[attribute] = value;
        }
        extra.Remove("datacontenttype", out var contentType);
        return new EventDraft(outbox.PubSub, outbox.Topic, shown.Value.Memory)
        {
            Source = app.AppId,
            ContentType = contentType ?? shown.Metadata.GetValueOrDefault("contentType", ""),
            Metadata = TopicRoute.NoMetadata,
            Extra = extra,
        };
    }

    // Everything but what the runtime sets itself and what only the store understands. An event that names
    // another topic goes to the store's all the same.
    private static bool IsAttribute(string name) =>
        !name.Contains('.', StringComparison.Ordinal)
        && name is not ("data" or "data_base64" or "id" or "contentType" or "ttlInSeconds");
}
