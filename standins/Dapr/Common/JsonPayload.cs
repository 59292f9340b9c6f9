using System.Text.Json;
using Google.Protobuf;

namespace Dapr.Common;

/// <summary>Turns values into JSON bytes for the wire, and back.</summary>
internal static class JsonPayload
{
    /// <summary>The SDK's rules when an app brings none of its own.</summary>
    internal static readonly JsonSerializerOptions Defaults = new(JsonSerializerDefaults.Web);

    internal static ByteString Write<TValue>(TValue value, JsonSerializerOptions options) =>
        UnsafeByteOperations.UnsafeWrap(JsonSerializer.SerializeToUtf8Bytes(value, options));

    /// <summary>
    /// Reads a value; absent bytes give the type's default, which is what a missing key means.
    /// </summary>
    // The official signatures promise TValue although a missing key gives null: callers ask for a nullable
    // TValue.
#nullable disable warnings
    internal static TValue Read<TValue>(ByteString bytes, JsonSerializerOptions options) =>
        bytes.IsEmpty ? default : JsonSerializer.Deserialize<TValue>(bytes.Span, options);
#nullable restore warnings
}
