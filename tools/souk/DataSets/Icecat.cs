using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Tool.DataSets;

/// <summary>Icecat's open catalogue of office and home electronics, one JSON document a line.</summary>
internal static class Icecat
{
    private const int FactsMax = 100;

    // Few documents name their kind; an attribute that only one kind has gives it away. The first that fits
    // counts.
    private static readonly (string Attribute, string Category)[] Telltales =
    [
        ("attr_t_printing_colours", "Ink & Toner"),
        ("attr_t_ink_type", "Ink & Toner"),
        ("attr_t_print_technology", "Printers"),
        ("attr_t_processor_family", "Computers"),
        ("attr_n_display_diagonal", "Displays"),
        ("attr_t_cable_colour", "Cables"),
        ("attr_t_connector_gender", "Cables"),
        ("attr_n_labels_per_pack", "Labels"),
        ("attr_t_internal_memory_type", "Memory"),
        ("attr_t_battery_technology", "Batteries"),
        ("attr_n_media_sheets_per_package", "Paper"),
        ("attr_b_ethernet_lan", "Networking"),
        ("attr_b_wi_fi", "Networking"),
        ("attr_t_component_for", "Spare Parts"),
    ];

    public static IEnumerable<JsonObject> Read(TextReader reader)
    {
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && JsonNode.Parse(line) is JsonObject source)
                yield return ToProduct(source);
        }
    }

    private static JsonObject ToProduct(JsonObject source)
    {
        var id = Text(source, "id") ?? throw new ToolException("an Icecat document has no id");
        var brand = Text(source, "supplier") ?? "";
        var attributes = source["attrs"] as JsonObject ?? [];
        // Some have no price: a made-up one, so that they can be sold all the same.
        var cents = source["price"]?.GetValue<decimal>() is { } price and > 0
            ? price
            : ProductLine.Pick(id, 500, 50_000);
        var product = ProductLine
            .Of(
                $"ICE-{id}",
                Text(source, "title") ?? Text(source, "name") ?? id,
                brand,
                Category(attributes),
                cents / 100
            )
            .WithDescription(Text(source, "short_description") ?? "")
            .WithImage(Text(source, "img_500x500") ?? Text(source, "img_high"));
        if (source["ean"] is JsonArray { Count: > 0 } codes)
            product.WithFact("EAN", codes[0]?.ToString());
        foreach (var (name, value) in attributes.Take(FactsMax - 1))
            product.WithFact(FactName(name), value?.ToString());
        return product;
    }

    private static string[] Category(JsonObject attributes)
    {
        if (Text(attributes, "attr_t_product_type") is { Length: > 1 } type)
            return ["Electronics", type];
        var found = Telltales.FirstOrDefault(telltale => attributes.ContainsKey(telltale.Attribute));
        return ["Electronics", found.Category ?? "Accessories"];
    }

    // "attr_t_ink_type" is the text attribute "Ink type"; letters that Icecat's export could not carry are
    // underscores.
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
