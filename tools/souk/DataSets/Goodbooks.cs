using System.Globalization;
using System.Text.Json.Nodes;

namespace Souk.Tool.DataSets;

/// <summary>goodbooks-10k: ten thousand books with authors, year and cover; prices are made up, as it has
/// none.</summary>
internal static class Goodbooks
{
    public static IEnumerable<JsonObject> Read(TextReader reader)
    {
        foreach (var row in CsvTable.Read(reader))
        {
            var (id, authors, language) = (row["book_id"], row["authors"], row["language_code"]);
            yield return ProductLine
                .Of($"GBK-{id}", row["title"], "", Category(language), ProductLine.Pick(id, 8, 30) - 0.01m)
                .WithDescription($"By {authors}.")
                .WithImage(row["image_url"])
                .WithFact("Authors", authors)
                .WithFact("Original title", row["original_title"])
                .WithFact("ISBN", row["isbn"])
                .WithFact("Language", language)
                .WithFact("First published", Year(row["original_publication_year"]));
        }
    }

    private static string[] Category(string language) =>
        language is "" || language.StartsWith("en", StringComparison.Ordinal)
            ? ["Books", "English"]
            : ["Books", "Other languages"];

    // Written as a decimal number: "2008.0", and negative before our era.
    private static string? Year(string text) =>
        decimal.TryParse(text, CultureInfo.InvariantCulture, out var year)
            ? ((int)year).ToString(CultureInfo.InvariantCulture)
            : null;
}
