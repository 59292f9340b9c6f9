using System.Text;

namespace Souk.Tool.DataSets;

/// <summary>Reads comma-separated rows with quoted fields (RFC 4180) as they stream by; the first row names
/// the columns.</summary>
internal static class CsvTable
{
    public static IEnumerable<CsvRow> Read(TextReader reader)
    {
        if (ReadRow(reader) is not { } header)
            yield break;
        var columns = header.Select((name, index) => (name, index)).ToDictionary(c => c.name, c => c.index);
        while (ReadRow(reader) is { } fields)
        {
            // Rows that are short or long by a stray comma cannot be trusted to have their fields where they
            // belong.
            if (fields.Count == header.Count)
                yield return new CsvRow(columns, fields);
        }
    }

    /// <summary>Null at the end of the text.</summary>
    private static List<string>? ReadRow(TextReader reader)
    {
        if (reader.Peek() < 0)
            return null;
        var fields = new List<string>();
        do
        {
            fields.Add(reader.Peek() == '"' ? ReadQuoted(reader) : ReadPlain(reader));
        } while (TryTake(reader, ','));
        TryTake(reader, '\r');
        TryTake(reader, '\n');
        return fields;
    }

    private static string ReadPlain(TextReader reader)
    {
        var field = new StringBuilder();
        while (reader.Peek() is >= 0 and not (',' or '\r' or '\n'))
            field.Append((char)reader.Read());
        return field.ToString();
    }

    // A doubled quote inside is one quote; commas and line breaks inside are text.
    private static string ReadQuoted(TextReader reader)
    {
        var field = new StringBuilder();
        TryTake(reader, '"');
        while (reader.Read() is var next and >= 0)
        {
            if (next != '"')
                field.Append((char)next);
            else if (TryTake(reader, '"'))
                field.Append('"');
            else
                break;
        }
        return field.ToString();
    }

    private static bool TryTake(TextReader reader, char wanted) =>
        reader.Peek() == wanted && reader.Read() == wanted;
}

/// <summary>One row; a column that the table lacks is a mistake of the caller.</summary>
internal sealed class CsvRow(Dictionary<string, int> columns, List<string> fields)
{
    public string this[string column] => fields[columns[column]];
}
