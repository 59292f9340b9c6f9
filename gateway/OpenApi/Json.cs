using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;

namespace Souk.Gateway.OpenApi;

/// <summary>Small pieces that every part of the document is made of.</summary>
internal static class Json
{
    public const string MediaType = "application/json";
    public const string SchemaPath = "#/components/schemas/";

    public static JsonObject Reference(string path) => new() { ["$ref"] = path };

    public static JsonArray Array(IEnumerable<JsonNode?> nodes) => [.. nodes];

    public static JsonArray Texts(IEnumerable<string> texts) => Array(texts.Select(text => (JsonNode?)text));

    public static JsonObject Object(IEnumerable<KeyValuePair<string, JsonNode?>> members) => new(members);

    /// <summary>The object with a description, where there is something to say.</summary>
    public static JsonObject Described(JsonObject node, string text)
    {
        if (text.Length > 0)
            node["description"] = text;
        return node;
    }

    /// <summary>
    /// souk.catalog.v1.Product is catalog.Product: the same word of two services must not meet.
    /// </summary>
    public static string NameOf(IDescriptor type)
    {
        var package = type.File.Package;
        var scope = package.Split('.') is ["souk", var domain, ..] ? domain : package;
        return $"{scope}{type.FullName[package.Length..]}";
    }
}
