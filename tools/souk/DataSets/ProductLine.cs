using System.Globalization;
using System.Text.Json.Nodes;

namespace Souk.Tool.DataSets;

/// <summary>Builds a catalogue line from what public data sets have, within the shop's limits.</summary>
internal static class ProductLine
{
    private const int NameMax = 500;
    private const int DescriptionMax = 10_000;
    private const int BrandMax = 100;
    private const int FactMax = 1000;
    private static readonly string[] Warehouses = ["WH001", "WH002", "WH003"];

    public static JsonObject Of(string sku, string name, string brand, string[] category, decimal price)
    {
        var parts = category
            .Select(part => (JsonNode)Cut(part.Replace("/", " & ", StringComparison.Ordinal), BrandMax))
            .ToArray();
        return new JsonObject
        {
            ["name"] = Cut(name, NameMax),
            ["brand"] = Cut(brand, BrandMax),
            ["category"] = new JsonArray(parts),
            ["price"] = new JsonObject { ["currency"] = "USD", ["amount"] = price },
            ["variants"] = new JsonArray(new JsonObject { ["sku"] = sku }),
            ["stock"] = StockFor(sku),
        };
    }

    public static JsonObject WithDescription(this JsonObject product, string text)
    {
        product["description"] = Cut(text, DescriptionMax);
        return product;
    }

    /// <summary>Adds the image when it has an address; the shop takes https only.</summary>
    public static JsonObject WithImage(this JsonObject product, string? url)
    {
        if (url?.StartsWith("http", StringComparison.Ordinal) == true)
            product["images"] = new JsonArray(url.Replace("http://", "https://", StringComparison.Ordinal));
        return product;
    }

    public static JsonObject WithFact(this JsonObject product, string name, string? value)
    {
        if (!string.IsNullOrWhiteSpace(value))
        {
            var facts = product["specifications"] as JsonObject;
            product["specifications"] = facts ??= [];
            facts[name] = Cut(value, FactMax);
        }
        return product;
    }

    /// <summary>A number in [low, high) that only depends on the text, for what a data set does not
    /// say.</summary>
    public static int Pick(string text, int low, int high)
    {
        // FNV-1a: string.GetHashCode differs from run to run.
        var hash = 2166136261u;
        foreach (var c in text)
            hash = (hash ^ c) * 16777619u;
        return low + (int)(hash % (uint)(high - low));
    }

    // The sets have no stock: one to three warehouses, a few to a few dozen units.
    private static JsonArray StockFor(string sku)
    {
        var entries = Warehouses
            .Where((warehouse, index) => index == 0 || Pick(warehouse + sku, 0, 2) == 1)
            .Select(warehouse =>
                (JsonNode)
                    new JsonObject
                    {
                        ["sku"] = sku,
                        ["warehouse_id"] = warehouse,
                        ["quantity"] = Pick(sku + warehouse, 5, 60),
                    }
            );
        return new JsonArray([.. entries]);
    }

    private static string Cut(string text, int max)
    {
        // Control characters and invisible marks come from spreadsheets; the shop refuses them.
        var trimmed = string.Concat(text.Select(Visible)).Trim();
        if (trimmed.Length <= max)
            return trimmed;
        // Never half of a surrogate pair.
        return trimmed[..(char.IsHighSurrogate(trimmed[max - 1]) ? max - 1 : max)];
    }

    private static char Visible(char c) =>
        char.GetUnicodeCategory(c)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
            ? ' '
            : c;
}
