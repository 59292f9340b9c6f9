using System.Text.Json;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Api.Http;

/// <summary>
/// Reads members of a request's JSON. A member that is missing or null is null; one of another kind is the
/// caller's mistake, 400 ERR_MALFORMED_REQUEST.
/// </summary>
internal static class JsonBody
{
    public static JsonElement? Member(SidecarApp app, JsonElement json, string name)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw Wrong(app, "the body", "an object");
        return GoJson.Member(json, name);
    }

    public static string? Text(SidecarApp app, JsonElement json, string name)
    {
        if (Member(app, json, name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : throw Wrong(app, name, "a string");
    }

    public static int? Whole(SidecarApp app, JsonElement json, string name)
    {
        if (Member(app, json, name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number
            : throw Wrong(app, name, "a whole number");
    }

    public static IEnumerable<JsonElement> List(SidecarApp app, JsonElement json, string name)
    {
        if (Member(app, json, name) is not { } value)
            return [];
        return value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray()
            : throw Wrong(app, name, "a list");
    }

    /// <summary>A map of texts; empty when it is missing.</summary>
    public static IEnumerable<(string Name, string Value)> Texts(
        SidecarApp app,
        JsonElement json,
        string name
    )
    {
        if (Member(app, json, name) is not { } map)
            return [];
        if (map.ValueKind != JsonValueKind.Object)
            throw Wrong(app, name, "an object of strings");
        return map.EnumerateObject()
            .Select(member =>
                member.Value.ValueKind == JsonValueKind.String
                    ? (member.Name, member.Value.GetString() ?? "")
                    : throw Wrong(app, $"{name}.{member.Name}", "a string")
            );
    }

    public static DaprException Wrong(SidecarApp app, string name, string wanted) =>
        DaprFault.Malformed(app, $"failed deserializing HTTP body: {name} must be {wanted}");
}
