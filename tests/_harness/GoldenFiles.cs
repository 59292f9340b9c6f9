using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.Tests.Harness;

/// <summary>
/// JSON that is held character by character against files in which placeholders stand for what differs from
/// run to run. An id's placeholder is the same wherever the id occurs: identity is held, too.
/// </summary>
internal sealed partial class GoldenFiles(string folder)
{
    private static readonly JsonWriterOptions Layout = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // What cannot be told by its looks is told by its name.
    private static readonly Dictionary<string, string> Differing = new(StringComparer.Ordinal)
    {
        ["refresh_token"] = "<token>",
        ["access_token"] = "<token>",
        ["etag"] = "<etag>",
        ["order_number"] = "<number>",
        ["estimated_delivery"] = "<date>",
    };

    private readonly string _folder = Path.Combine(Repository.Root, folder);
    private readonly Dictionary<string, string> _placeholders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _met = new(StringComparer.Ordinal);

    private static bool IsWriting => Environment.GetEnvironmentVariable("SOUK_UPDATE") == "golden";

    /// <summary>A file's text.</summary>
    public string Read(string name) => File.ReadAllText(Path.Combine(_folder, name));

    public bool Has(string name) => File.Exists(Path.Combine(_folder, name));

    /// <summary>A request with the ids that were met so far in place of their placeholders.</summary>
    public string Request(string name) =>
        _placeholders.Aggregate(
            Read(name),
            (text, met) => text.Replace(met.Value, met.Key, StringComparison.Ordinal)
        );

    /// <summary>The JSON in the files' layout, with placeholders; numbers and order stay.</summary>
    public string Masked(string json)
    {
        using var document = JsonDocument.Parse(json);
        using var target = new MemoryStream();
        using (var writer = new Utf8JsonWriter(target, Layout))
            Write(document.RootElement, "", writer);
        return Encoding.UTF8.GetString(target.ToArray()) + "\n";
    }

    /// <summary>Holds masked JSON against a file, or writes the file where that is asked for.</summary>
    public void Hold(string name, string masked)
    {
        if (IsWriting)
            File.WriteAllText(Path.Combine(_folder, name), masked);
        Assert.That(masked, Is.EqualTo(Read(name)), name);
    }

    private void Write(JsonElement element, string member, Utf8JsonWriter writer)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in element.EnumerateObject())
                {
                    writer.WritePropertyName(property.Name);
                    Write(property.Value, property.Name, writer);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                    Write(item, member, writer);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(MaskOf(member, element.GetString() ?? ""));
                break;
            default:
                writer.WriteRawValue(element.GetRawText());
                break;
        }
    }

    private string MaskOf(string member, string value)
    {
        if (Differing.TryGetValue(member, out var placeholder) && value.Length > 0)
            return placeholder;
        if (member.EndsWith("_at", StringComparison.Ordinal) && InstantPattern.IsMatch(value))
            return "<time>";
        return IdPattern.Match(value) is { Success: true } id ? PlaceholderOf(value, id) : value;
    }

    private string PlaceholderOf(string value, Match id)
    {
        if (_placeholders.TryGetValue(value, out var known))
            return known;
        var kind = id.Groups[1].Value;
        var number = _met[kind] = _met.GetValueOrDefault(kind) + 1;
        return _placeholders[value] = string.Create(CultureInfo.InvariantCulture, $"<{kind} {number}>");
    }

    [GeneratedRegex("^([a-z]+)_[0-9a-f]{32}$")]
    private static partial Regex IdPattern { get; }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
    private static partial Regex InstantPattern { get; }
}
