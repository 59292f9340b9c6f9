using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Tool.DataSets;

/// <summary>Icecat's open catalogue of office and home electronics, one JSON document a line.</summary>
internal static class Icecat
{
    private const int FactsMax = 100;

    public static IEnumerable<JsonObject> Read(TextReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && JsonNode.Parse(line) is JsonObject source)
            {
                yield return ToProduct(source);
            }
        }
    }

    private static JsonObject ToProduct(JsonObject source)
    {
        var id = Text(source, "id") ?? throw new ToolException("an Icecat document has no id");
        var brand = Text(source, "supplier") ?? "";
        var type =
            Text(source["attrs"] as JsonObject, "attr_t_product_type")
            ?? Text(source["attrs"] as JsonObject, "attr_t_type");
        string[] category = string.IsNullOrWhiteSpace(type)
            ? ["Electronics", "Other"]
            : ["Electronics", type];
        // Some have no price: a made-up one, so that they can be sold all the same.
        var cents = source["price"]?.GetValue<decimal>() is { } price and > 0
            ? price
            : ProductLine.Pick(id, 500, 50_000);
        var product = ProductLine
            .Of(
                $"ICE-{id}",
                Text(source, "title") ?? Text(source, "name") ?? id,
                brand,
                category,
                cents / 100
            )
            .WithDescription(Text(source, "short_description") ?? "")
            .WithImage(Text(source, "img_500x500") ?? Text(source, "img_high"));
        if (source["ean"] is JsonArray { Count: > 0 } codes)
        {
            product.WithFact("EAN", codes[0]?.ToString());
        }
        foreach (var (name, value) in ((source["attrs"] as JsonObject) ?? []).Take(FactsMax - 1))
        {
            product.WithFact(FactName(name), value?.ToString());
        }
        return product;
    }

    // "attr_t_ink_type" is the text attribute "Ink type"; letters that Icecat's export could not carry are underscores.
    private static string FactName(string attribute)
    {
        var words = attribute.Split('_', StringSplitOptions.RemoveEmptyEntries).Skip(2);
        var name = string.Join(' ', words);
        return name.Length == 0 ? attribute : char.ToUpper(name[0], CultureInfo.InvariantCulture) + name[1..];
    }

    private static string? Text(JsonObject? source, string member) =>
        source?[member] is JsonValue value && value.GetValueKind() == JsonValueKind.String
            ? value.GetValue<string>()
            : null;
}
