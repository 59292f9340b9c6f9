using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Concurrency = Dapr.Client.Autogen.Grpc.v1.StateOptions.Types.StateConcurrency;
using Consistency = Dapr.Client.Autogen.Grpc.v1.StateOptions.Types.StateConsistency;

namespace Souk.Sidecar.Api.Http;

/// <summary>State items between JSON and what gRPC callers send.</summary>
internal static class StateItemJson
{
    /// <summary>An item of a save or a transaction. Its own metadata wins over the request's.</summary>
    public static StateItem Read(
        SidecarApp app,
        JsonElement json,
        IEnumerable<KeyValuePair<string, string>> shared
    )
    {
        if (JsonBody.Text(app, json, "key") is not { Length: > 0 } key)
            throw DaprFault.Malformed(app, "\"key\" is a required field");
        var item = new StateItem { Key = key };
        foreach (var (name, value) in shared)
            item.Metadata[name] = value;
        foreach (var (name, value) in JsonBody.Texts(app, json, "metadata"))
            item.Metadata[name] = value;
        // A JSON null is a value to keep; only a member that is not there is none.
        if (json.TryGetProperty("value", out var content))
            item.Value = ByteString.CopyFrom(Compact(content));
        if (JsonBody.Text(app, json, "etag") is { } etag)
            item.Etag = new Etag { Value = etag };
        if (JsonBody.Member(app, json, "options") is { } options)
        {
            item.Options = new StateOptions
            {
                Concurrency = ConcurrencyOf(JsonBody.Text(app, options, "concurrency")),
                Consistency = ConsistencyOf(JsonBody.Text(app, options, "consistency")),
            };
        }
        return item;
    }

    /// <summary>An item of a bulk answer. Stored JSON is embedded; other bytes are given as base64.</summary>
    public static void Write(Utf8JsonWriter json, BulkStateItem item)
    {
        json.WriteStartObject();
        json.WriteString("key", item.Key);
        if (!item.Data.IsEmpty)
        {
            json.WritePropertyName("data");
            if (IsJson(item.Data.Span))
                json.WriteRawValue(item.Data.Span, skipInputValidation: true);
            else
                json.WriteBase64StringValue(item.Data.Span);
        }
        if (item.Etag.Length > 0)
            json.WriteString("etag", item.Etag);
        if (item.Error.Length > 0)
            json.WriteString("error", item.Error);
        if (item.Metadata.Count > 0)
        {
            json.WriteStartObject("metadata");
            foreach (var (name, value) in item.Metadata)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    public static Concurrency ConcurrencyOf(string? text) =>
        text switch
        {
            "first-write" => Concurrency.ConcurrencyFirstWrite,
            "last-write" => Concurrency.ConcurrencyLastWrite,
            _ => Concurrency.ConcurrencyUnspecified,
        };

    public static Consistency ConsistencyOf(string? text) =>
        text switch
        {
            "eventual" => Consistency.ConsistencyEventual,
            "strong" => Consistency.ConsistencyStrong,
            _ => Consistency.ConsistencyUnspecified,
        };

    // The value without the caller's white space, otherwise as written: numbers keep their digits, and text
    // its own characters.
    private static byte[] Compact(JsonElement value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Lenient))
            value.WriteTo(writer);
        return stream.ToArray();
    }

    private static readonly JsonWriterOptions Lenient = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static bool IsJson(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        try
        {
            return reader.Read() && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
