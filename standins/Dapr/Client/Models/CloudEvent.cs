using System.Text.Json.Serialization;

namespace Dapr;

/// <summary>An envelope that the app fills by itself; the sidecar adds what is missing.</summary>
public class CloudEvent
{
    /// <summary>Where the event happened.</summary>
    [JsonPropertyName("source")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Uri? Source { get; init; }

    /// <summary>What kind of event it is.</summary>
    [JsonPropertyName("type")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Type { get; init; }

    /// <summary>What the event is about.</summary>
    [JsonPropertyName("subject")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Subject { get; init; }
}

/// <summary>An envelope with its payload.</summary>
public class CloudEvent<TData>(TData data) : CloudEvent
{
    /// <summary>The payload.</summary>
    [JsonPropertyName("data")]
    public TData Data { get; } = data;

    /// <summary>How the payload is encoded.</summary>
    [JsonPropertyName("datacontenttype")]
    public string DataContentType { get; } = "application/json";
}
