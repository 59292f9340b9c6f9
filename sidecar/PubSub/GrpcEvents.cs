using System.Text;
using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Sidecar.PubSub;

/// <summary>CloudEvents in the form in which gRPC apps and streams get them.</summary>
internal static class GrpcEvents
{
    public static TopicEventRequest ToRequest(ReceivedEvent received)
    {
        var attributes = ToCloudEvent(received);
        return new TopicEventRequest
        {
            Id = attributes.Id,
            Source = attributes.Source,
            Type = attributes.Type,
            SpecVersion = attributes.SpecVersion,
            DataContentType = attributes.DataContentType,
            Data = attributes.Data,
            Extensions = attributes.Extensions,
            PubsubName = received.Route.PubSubName,
            Topic = received.Route.Topic,
            Path = received.Path ?? "",
        };
    }

    public static TopicEventCERequest ToCloudEvent(ReceivedEvent received)
    {
        var request = new TopicEventCERequest { Extensions = new Struct() };
        JsonElement? data = null;
        string? base64 = null;
        foreach (var member in received.Envelope.EnumerateObject())
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
                    base64 = member.Value.ToString();
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
