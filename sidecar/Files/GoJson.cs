using System.Text.Json;

namespace Souk.Sidecar.Files;

/// <summary>
/// Members of JSON that callers wrote, found as Go finds them: by their exact name, else in any case. Dapr's
/// own JavaScript SDK writes <c>entryID</c> where the API says <c>entryId</c>.
/// </summary>
internal static class GoJson
{
    /// <summary>Null when there is none, when it is null, and when the element is no object.</summary>
    public static JsonElement? Member(JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object)
            return null;
        if (!element.TryGetProperty(name, out var value))
            value = element
                .EnumerateObject()
                .FirstOrDefault(member => member.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                .Value;
        return value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? null : value;
    }
}
