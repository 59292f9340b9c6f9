using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// One delivery: the CloudEvent that a broker's message holds, or the one that is made around a raw payload.
/// </summary>
internal sealed class ReceivedEvent
{
    private TopicEventRequest? _request;

    private ReceivedEvent(TopicRoute route, BrokerMessage message, ReadOnlyMemory<byte> bytes)
    {
        Route = route;
        Message = message;
        Bytes = bytes;
        // Not disposed: a bulk call may still be writing it when the delivery has ended.
        Envelope = JsonDocument.Parse(bytes).RootElement;
        if (Envelope.ValueKind != JsonValueKind.Object)
            throw new FormatException("the message is not a CloudEvent");
        Path = route.PathOf(this);
    }

    public TopicRoute Route { get; }

    public BrokerMessage Message { get; }

    /// <summary>The CloudEvent as UTF-8 JSON.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public JsonElement Envelope { get; }

    /// <summary>Where in the app the event belongs; null when no rule wants it.</summary>
    public string? Path { get; }

    public string Id => Text("id") ?? "";

    /// <summary>
    /// The event as gRPC apps get it. Throws FormatException when its data does not fit its content type.
    /// </summary>
    public TopicEventRequest Request => _request ??= GrpcEvents.ToRequest(this);

    /// <summary>Throws FormatException when the bytes are not a CloudEvent.</summary>
    public static ReceivedEvent Read(TopicRoute route, BrokerMessage message, TimeProvider clock)
    {
        try
        {
            return new ReceivedEvent(
                route,
                message,
                route.IsRaw ? WrapRaw(route, message, clock) : message.Data
            );
        }
        catch (JsonException e)
        {
            throw new FormatException($"the message is not a CloudEvent: {e.Message}", e);
        }
    }

    /// <summary>An attribute; null when it is not there.</summary>
    public string? Text(string attribute) =>
        Envelope.TryGetProperty(attribute, out var value) ? value.ToString() : null;

    public bool IsExpired(DateTimeOffset now) =>
        Text("expiration") is { } expiration
        && DateTimeOffset.TryParse(
            expiration,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var instant
        )
        && instant < now;

    private static ReadOnlyMemory<byte> WrapRaw(TopicRoute route, BrokerMessage message, TimeProvider clock)
    {
        var output = new ArrayBufferWriter<byte>(message.Data.Length * 4 / 3 + 256);
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("id", Guid.CreateVersion7(clock.GetUtcNow()));
            json.WriteString("source", "Dapr");
            json.WriteString("type", CloudEvents.DefaultType);
            json.WriteString("specversion", "1.0");
            json.WriteString("datacontenttype", CloudEvents.Binary);
            json.WriteString("topic", route.Topic);
            json.WriteString("pubsubname", route.PubSubName);
            json.WriteBase64String("data_base64", message.Data);
            json.WriteEndObject();
        }
        return output.WrittenMemory;
    }
}
