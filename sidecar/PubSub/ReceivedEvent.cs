using System.Globalization;
using System.Text;
using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Sidecar.PubSub;

/// <summary>Turns what a broker delivers into the request that the app gets.</summary>
internal static class ReceivedEvent
{
    /// <summary>Throws FormatException when the bytes are not a CloudEvent that can be delivered.</summary>
    public static TopicEventRequest Unwrap(TopicRoute route, BrokerMessage message, TimeProvider clock)
    {
        var request = new TopicEventRequest
        {
            PubsubName = route.PubSubName,
            Topic = route.Topic,
            Path = route.Path,
        };
        if (route.IsRaw)
            return FillRaw(request, message, clock);
        try
        {
            using var document = JsonDocument.Parse(message.Data);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new FormatException("the message is not a CloudEvent");
            return Fill(request, document.RootElement);
        }
        catch (JsonException e)
        {
            throw new FormatException($"the message is not a CloudEvent: {e.Message}", e);
        }
    }

    public static bool IsExpired(TopicEventRequest request, DateTimeOffset now) =>
        request.Extensions.Fields.TryGetValue("expiration", out var expiration)
        && DateTimeOffset.TryParse(
            expiration.StringValue,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var instant
        )
        && instant < now;

    private static TopicEventRequest FillRaw(
        TopicEventRequest request,
        BrokerMessage message,
        TimeProvider clock
    )
    {
        request.Id = Guid.CreateVersion7(clock.GetUtcNow()).ToString();
        request.Source = "Dapr";
        request.Type = "com.dapr.event.sent";
        request.SpecVersion = "1.0";
        request.DataContentType = "application/octet-stream";
        request.Data = ByteString.CopyFrom(message.Data);
        request.Extensions = new Struct();
        return request;
    }

    private static TopicEventRequest Fill(TopicEventRequest request, JsonElement envelope)
    {
        request.Extensions = new Struct();
        JsonElement? data = null;
        string? base64 = null;
        foreach (var member in envelope.EnumerateObject())
        {
            switch (member.Name)
            {
                case "id":
                    request.Id = member.Value.ToString();
                    break;
                case "source":
                    request.Source = member.Value.ToString();
                    break;
                case "type":
                    request.Type = member.Value.ToString();
                    break;
                case "specversion":
                    request.SpecVersion = member.Value.ToString();
                    break;
                case "datacontenttype":
                    request.DataContentType = member.Value.ToString();
                    break;
                case "data":
                    data = member.Value;
                    break;
                case "data_base64":
                    base64 = member.Value.GetString();
                    break;
                default:
                    request.Extensions.Fields[member.Name] = ToValue(member.Value);
                    break;
            }
        }
        request.Data = DataOf(request.DataContentType, data, base64);
        return request;
    }

    private static ByteString DataOf(string contentType, JsonElement? data, string? base64)
    {
        if (base64 is not null)
            return ByteString.FromBase64(base64);
        if (data is not { } element)
            return ByteString.Empty;
        // An event that does not say what its data is has JSON, unless it is a string.
        var isJson =
            contentType.Length == 0
                ? element.ValueKind != JsonValueKind.String
                : CloudEvents.IsJson(contentType);
        if (isJson)
            return UnsafeByteOperations.UnsafeWrap(CloudEvents.Compact(element));
        if (!CloudEvents.IsText(contentType))
            return ByteString.Empty;
        return element.ValueKind == JsonValueKind.String
            ? UnsafeByteOperations.UnsafeWrap(Encoding.UTF8.GetBytes(element.GetString() ?? ""))
            : throw new FormatException($"the data of a {contentType} event is not a string");
    }

    // The parser refuses nesting beyond 64 levels, which bounds the recursion.
    private static Value ToValue(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.String => Value.ForString(element.GetString() ?? ""),
            JsonValueKind.Number => Value.ForNumber(element.GetDouble()),
            JsonValueKind.True or JsonValueKind.False => Value.ForBool(element.GetBoolean()),
            JsonValueKind.Array => Value.ForList([.. element.EnumerateArray().Select(ToValue)]),
            JsonValueKind.Object => Value.ForStruct(ToStruct(element)),
            _ => Value.ForNull(),
        };

    private static Struct ToStruct(JsonElement element)
    {
        var result = new Struct();
        foreach (var member in element.EnumerateObject())
            result.Fields[member.Name] = ToValue(member.Value);
        return result;
    }
}
