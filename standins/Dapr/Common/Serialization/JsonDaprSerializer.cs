using System.Text.Json;

namespace Dapr.Common.Serialization;

/// <summary>Payloads as JSON, by the web rules unless the app brings its own.</summary>
public sealed class JsonDaprSerializer : IDaprSerializer
{
    private readonly JsonSerializerOptions _options;

    /// <summary>Uses the web rules: camelCase, case-insensitive reading.</summary>
    public JsonDaprSerializer()
        : this(JsonPayload.Defaults) { }

    /// <summary>Uses the app's rules.</summary>
    public JsonDaprSerializer(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    public string Serialize<T>(T value) => JsonSerializer.Serialize(value, _options);

    /// <inheritdoc/>
    public string Serialize(object? value, Type? inputType = null) =>
        JsonSerializer.Serialize(value, inputType ?? value?.GetType() ?? typeof(object), _options);

    /// <inheritdoc/>
    public T? Deserialize<T>(string? data) =>
        string.IsNullOrEmpty(data) ? default : JsonSerializer.Deserialize<T>(data, _options);

    /// <inheritdoc/>
    public object? Deserialize(string? data, Type returnType) =>
        string.IsNullOrEmpty(data) ? null : JsonSerializer.Deserialize(data, returnType, _options);
}
