using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Souk.Sidecar.PubSub;

/// <summary>What a publisher gave, to be wrapped.</summary>
internal readonly record struct EventDraft(string PubSubName, string Topic, ReadOnlyMemory<byte> Data)
{
    /// <summary>Empty means text.</summary>
    public required string ContentType { get; init; }

    public required string Source { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    public string? TraceParent { get; init; }

    public string? TraceState { get; init; }

    /// <summary>Attributes beside the standard ones; those of the outbox.</summary>
    public IReadOnlyDictionary<string, string>? Extra { get; init; }
}

/// <summary>Builds the CloudEvents 1.0 envelopes that travel through brokers.</summary>
internal static class CloudEvents
{
    public const string ContentType = "application/cloudevents+json";

    public const string Binary = "application/octet-stream";

    public const string DefaultType = "com.dapr.event.sent";

    public const string BulkType = "com.dapr.event.sent.bulk";

    /// <summary>Attributes that also travel as headers.</summary>
    public static readonly string[] TraceAttributes = ["traceparent", "tracestate"];

    // What is added to a complete event that lacks it.
    private static readonly string[] Filled =
    [
        "id",
        "source",
        "type",
        "specversion",
        "time",
        "traceid",
        "traceparent",
        "tracestate",
    ];

    // What a new event is made with.
    private static readonly string[] Written = ["pubsubname", "topic", .. Filled];

    // Text stays readable and short: no browser will ever parse it as HTML.
    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// The envelope as UTF-8 JSON. Throws JsonException when the content type promises an event and the data
    /// is none.
    /// </summary>
    public static byte[] Wrap(in EventDraft given, TimeProvider clock)
    {
        // One trace for all attributes that tell it.
        var draft = given with
        {
            TraceParent = given.TraceParent ?? NewTrace(),
        };
        var output = new ArrayBufferWriter<byte>(draft.Data.Length + 512);
        using (var json = new Utf8JsonWriter(output, Plain))
        {
            json.WriteStartObject();
            if (MediaTypeOf(draft.ContentType) == ContentType)
                WriteComplete(json, draft, clock);
            else
                WriteNew(json, draft, clock);
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }

    /// <summary>JSON without blanks.</summary>
    public static byte[] Compact(JsonElement element)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output, Plain))
            element.WriteTo(json);
        return output.WrittenSpan.ToArray();
    }

    public static bool IsJson(string contentType)
    {
        var type = MediaTypeOf(contentType);
        return type == "application/json" || type.EndsWith("+json", StringComparison.Ordinal);
    }

    public static bool IsText(string contentType) =>
        contentType.Length == 0 || contentType.StartsWith("text/", StringComparison.OrdinalIgnoreCase);

    public static bool IsBinary(string contentType) => MediaTypeOf(contentType) == Binary;

    private static void WriteNew(Utf8JsonWriter json, in EventDraft draft, TimeProvider clock)
    {
        var contentType = string.IsNullOrEmpty(draft.ContentType) ? "text/plain" : draft.ContentType;
        json.WriteString("datacontenttype", contentType);
        foreach (var name in Written)
        {
            if (draft.Extra?.ContainsKey(name) != true)
                json.WriteString(name, Overridden(draft, name) ?? Default(draft, name, clock));
        }
        if (Overridden(draft, "subject") is { } subject)
            json.WriteString("subject", subject);
        if (ExpirationOf(draft, clock) is { } expiration)
            json.WriteString("expiration", expiration);
        foreach (var (name, value) in draft.Extra ?? TopicRoute.NoMetadata)
            json.WriteString(name, value);
        WriteData(json, contentType, draft.Data);
    }

    private static void WriteData(Utf8JsonWriter json, string contentType, ReadOnlyMemory<byte> data)
    {
        if (IsBinary(contentType))
        {
            json.WriteBase64String("data_base64", data.Span);
            return;
        }
        json.WritePropertyName("data");
        if (!IsJson(contentType) || !TryWriteJson(json, data))
            json.WriteStringValue(Encoding.UTF8.GetString(data.Span));
    }

    // Written compactly; false, and nothing written, when it is not JSON.
    private static bool TryWriteJson(Utf8JsonWriter json, ReadOnlyMemory<byte> data)
    {
        try
        {
            using var document = JsonDocument.Parse(data);
            document.RootElement.WriteTo(json);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void WriteComplete(Utf8JsonWriter json, in EventDraft draft, TimeProvider clock)
    {
        using var document = JsonDocument.Parse(draft.Data);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new JsonException("a CloudEvent is a JSON object");
        foreach (var member in document.RootElement.EnumerateObject())
        {
            if (member.Name is not ("topic" or "pubsubname"))
                member.WriteTo(json);
        }
        json.WriteString("topic", draft.Topic);
        json.WriteString("pubsubname", draft.PubSubName);
        foreach (var name in Filled)
        {
            if (!document.RootElement.TryGetProperty(name, out _))
                json.WriteString(name, Default(draft, name, clock));
        }
        if (
            !document.RootElement.TryGetProperty("expiration", out _)
            && ExpirationOf(draft, clock) is { } expiration
        )
            json.WriteString("expiration", expiration);
    }

    private static string Default(in EventDraft draft, string name, TimeProvider clock) =>
        name switch
        {
            "id" => Guid.CreateVersion7(clock.GetUtcNow()).ToString(),
            "source" => draft.Source,
            "type" => DefaultType,
            "specversion" => "1.0",
            "time" => Timestamp(clock.GetUtcNow()),
            "pubsubname" => draft.PubSubName,
            "topic" => draft.Topic,
            "traceid" or "traceparent" => draft.TraceParent ?? "",
            _ => draft.TraceState ?? "",
        };

    private static string? Overridden(in EventDraft draft, string name) =>
        name switch
        {
            "specversion" or "time" or "topic" or "pubsubname" => null,
            _ => draft.Metadata.GetValueOrDefault("cloudevent." + name),
        };

    private static string? ExpirationOf(in EventDraft draft, TimeProvider clock) =>
        draft.Metadata.TryGetValue("ttlInSeconds", out var text)
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds is > 0 and < int.MaxValue
            ? Timestamp(clock.GetUtcNow().AddSeconds(seconds))
            : null;

    private static string Timestamp(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string NewTrace() =>
        $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00";

    private static string MediaTypeOf(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType))
            return "";
        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? contentType : contentType[..end]).Trim().ToLowerInvariant();
    }
}
