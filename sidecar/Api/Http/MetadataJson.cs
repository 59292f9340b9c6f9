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
        json.WriteStartArray("enabledFeatures");
        foreach (var feature in metadata.EnabledFeatures)
            json.WriteStringValue(feature);
        json.WriteEndArray();
        json.WriteStartArray("actors");
        json.WriteEndArray();
        json.WriteStartArray("components");
        foreach (var component in metadata.RegisteredComponents)
            Write(json, component);
        json.WriteEndArray();
        json.WriteStartArray("httpEndpoints");
        foreach (var endpoint in metadata.HttpEndpoints)
        {
            json.WriteStartObject();
            json.WriteString("name", endpoint.Name);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("subscriptions");
        foreach (var subscription in metadata.Subscriptions)
            Write(json, subscription);
        json.WriteEndArray();
        json.WriteStartObject("extended");
        foreach (var (name, value) in metadata.ExtendedMetadata)
            json.WriteString(name, value);
        json.WriteEndObject();
        Write(json, metadata.AppConnectionProperties);
        Write(json, metadata.ActorRuntime);
        if (metadata.Workflows is { } workflows)
        {
            json.WriteStartObject("workflows");
            json.WriteNumber("connectedWorkers", workflows.ConnectedWorkers);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, AppConnectionProperties app)
    {
        json.WriteStartObject("appConnectionProperties");
        json.WriteNumber("port", app.Port);
        json.WriteString("protocol", app.Protocol);
        json.WriteString("channelAddress", app.ChannelAddress);
        json.WriteNumber("maxConcurrency", app.MaxConcurrency);
        if (app.Health is { } health)
        {
            json.WriteStartObject("health");
            json.WriteString("healthCheckPath", health.HealthCheckPath);
            json.WriteString("healthProbeInterval", health.HealthProbeInterval);
            json.WriteString("healthProbeTimeout", health.HealthProbeTimeout);
            json.WriteNumber("healthThreshold", health.HealthThreshold);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ActorRuntime actors)
    {
        json.WriteStartObject("actorRuntime");
        json.WriteString("runtimeStatus", actors.RuntimeStatus.ToString().ToUpperInvariant());
        json.WriteBoolean("hostReady", actors.HostReady);
        json.WriteString("placement", actors.Placement);
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
