using System.Globalization;
using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Souk.Sidecar.State;

namespace Souk.Sidecar.Api;

/// <summary>Reads items of the API into changes of a store.</summary>
internal static class StateItems
{
    private const string TtlKey = "ttlInSeconds";

    public static string StoredKey(SidecarApp app, StateComponent component, string key)
    {
        if (key.Length == 0)
            throw DaprFault.EmptyKey(app);
        return KeyPrefix.IsLegal(key)
            ? component.Keys.ToStored(app, key)
            : throw DaprFault.IllegalKey(app, component.Name, key);
    }

    /// <summary>An upsert. Throws StateStoreException for metadata that says nothing sensible.</summary>
    public static StateChange Upsert(SidecarApp app, StateComponent component, StateItem item)
    {
        var key = StoredKey(app, component, item.Key);
        if (item.Metadata.TryGetValue("contentType", out var type) && PubSub.CloudEvents.IsJson(type))
            RequireJson(item);
        return new StateChange(key, item.Value.Memory)
        {
            Etag = item.Etag?.Value,
            Concurrency = ConcurrencyOf(item.Options),
            TtlSeconds = TtlOf(item),
        };
    }

    public static StateChange Delete(SidecarApp app, StateComponent component, StateItem item) =>
        new(StoredKey(app, component, item.Key), null)
        {
            Etag = item.Etag?.Value,
            Concurrency = ConcurrencyOf(item.Options),
        };

    private static int? TtlOf(StateItem item)
    {
        if (!item.Metadata.TryGetValue(TtlKey, out var text))
            return null;
        return
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds)
            && seconds >= -1
            ? seconds
            : throw new StateStoreException($"incorrect value '{text}' for metadata {TtlKey}");
    }

    private static Concurrency ConcurrencyOf(StateOptions? options) =>
        options?.Concurrency switch
        {
            StateOptions.Types.StateConcurrency.ConcurrencyFirstWrite => Concurrency.FirstWrite,
            StateOptions.Types.StateConcurrency.ConcurrencyLastWrite => Concurrency.LastWrite,
            _ => Concurrency.Unspecified,
        };

    private static void RequireJson(StateItem item)
    {
        try
        {
            using var document = JsonDocument.Parse(item.Value.Memory);
        }
        catch (JsonException e)
        {
            throw new StateStoreException(
                $"the value of {item.Key} is not the JSON it is said to be: {e.Message}"
            );
        }
    }
}
