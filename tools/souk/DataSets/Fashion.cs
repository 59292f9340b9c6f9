using System.Text.Json.Nodes;

namespace Souk.Tool.DataSets;

/// <summary>The fashion product set: names and seven facets; prices are made up, as it has none.</summary>
internal static class Fashion
{
    // Dollars by master category: a shirt costs less than a watch.
    private static readonly Dictionary<string, (int Low, int High)> Prices = new()
    {
        ["Apparel"] = (15, 120),
        ["Footwear"] = (30, 180),
        ["Accessories"] = (12, 250),
        ["Personal Care"] = (5, 60),
    };

    public static IEnumerable<JsonObject> Read(TextReader reader)
    {
        foreach (var row in CsvTable.Read(reader))
        {
            var (id, name) = (row["id"], row["productDisplayName"]);
            if (name.Length == 0)
                continue;
            var (low, high) = Prices.GetValueOrDefault(row["masterCategory"], (10, 100));
            string[] category = ["Fashion", row["masterCategory"], row["subCategory"], row["articleType"]];
            yield return ProductLine
                .Of($"FSH-{id}", name, Brand(name), category, ProductLine.Pick(id, low, high) - 0.01m)
                .WithFact("Gender", row["gender"])
                .WithFact("Colour", row["baseColour"])
                .WithFact("Season", row["season"])
                .WithFact("Year", row["year"])
                .WithFact("Usage", row["usage"]);
        }
    }

    // A display name is brand, then whom it is for, then what it is: "Peter England Men Party Blue Jeans".
    private static string Brand(string name)
    {
        string[] audiences =
        [
            " Men ",
            " Women ",
            " Men's ",
            " Women's ",
            " Boys ",
            " Girls ",
            " Unisex ",
            " Kids ",
            " Kid's ",
        ];
        var end = audiences
            .Select(audience => name.IndexOf(audience, StringComparison.OrdinalIgnoreCase))
            .Where(at => at > 0)
            .DefaultIfEmpty(name.IndexOf(' ', StringComparison.Ordinal))
            .Min();
        return end > 0 ? name[..end] : name;
    }
}
