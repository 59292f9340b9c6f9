using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;

namespace Souk.Sidecar.Api.Http;

/// <summary>
/// The metadata document as the HTTP API spells it, which is not how protobuf's JSON would.
/// </summary>
internal static class MetadataJson
{
    public static void Write(Utf8JsonWriter json, GetMetadataResponse metadata)
    {
        json.WriteStartObject();
        json.WriteString("id", metadata.Id);
        json.WriteString("runtimeVersion", metadata.RuntimeVersion);
        json.WriteStartArray("components");
        foreach (var component in metadata.RegisteredComponents)
            Write(json, component);
        json.WriteEndArray();
        json.WriteStartArray("subscriptions");
        foreach (var subscription in metadata.Subscriptions)
            Write(json, subscription);
        json.WriteEndArray();
        json.WriteStartObject("extended");
        foreach (var (name, value) in metadata.ExtendedMetadata)
            json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartObject("appConnectionProperties");
        json.WriteNumber("port", metadata.AppConnectionProperties.Port);
        json.WriteString("protocol", metadata.AppConnectionProperties.Protocol);
        json.WriteString("channelAddress", metadata.AppConnectionProperties.ChannelAddress);
        json.WriteNumber("maxConcurrency", metadata.AppConnectionProperties.MaxConcurrency);
        json.WriteEndObject();
        if (metadata.Workflows is { } workflows)
        {
            json.WriteStartObject("workflows");
            json.WriteNumber("connectedWorkers", workflows.ConnectedWorkers);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, RegisteredComponents component)
    {
        json.WriteStartObject();
        json.WriteString("name", component.Name);
        json.WriteString("type", component.Type);
        json.WriteString("version", component.Version);
        json.WriteStartArray("capabilities");
        foreach (var capability in component.Capabilities)
            json.WriteStringValue(capability);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, PubsubSubscription subscription)
    {
        json.WriteStartObject();
        json.WriteString("pubsubname", subscription.PubsubName);
        json.WriteString("topic", subscription.Topic);
        json.WriteStartArray("rules");
        foreach (var rule in subscription.Rules.Rules)
        {
            json.WriteStartObject();
            json.WriteString("match", rule.Match);
            json.WriteString("path", rule.Path);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("deadLetterTopic", subscription.DeadLetterTopic);
        json.WriteStartObject("metadata");
        foreach (var (name, value) in subscription.Metadata)
            json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteString("type", subscription.Type.ToString().ToUpperInvariant());
        json.WriteEndObject();
    }
}
