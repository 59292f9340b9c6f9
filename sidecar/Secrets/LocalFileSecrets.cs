using System.Globalization;
using System.Text.Json;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Secrets;

/// <summary>
/// <c>secretstores.local.file</c>: a JSON file, read once. Nested objects flatten to <c>a:b:c</c>; with
/// <c>multiValued</c> the first level names secrets and what is below it their keys.
/// </summary>
internal sealed class LocalFileSecrets : ISecretStore
{
    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _secrets = new(
        StringComparer.Ordinal
    );

    public LocalFileSecrets(ComponentSpec spec)
    {
        var file = spec.Required("secretsFile");
        var separator = spec.Text("nestedSeparator") ?? ":";
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw spec.Error("secretsFile", $"names {file}, which is not a JSON object");
            if (spec.Flag("multiValued"))
                ReadGroups(document.RootElement, separator);
            else
                ReadFlat(document.RootElement, separator);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw spec.Error("secretsFile", $"names {file}, which cannot be read: {e.Message}");
        }
    }

    public IEnumerable<KeyValuePair<string, IReadOnlyDictionary<string, string>>> All => _secrets;

    public IReadOnlyDictionary<string, string>? Find(string name) => _secrets.GetValueOrDefault(name);

    private void ReadGroups(JsonElement root, string separator)
    {
        foreach (var member in root.EnumerateObject())
        {
            var values = new Dictionary<string, string>(StringComparer.Ordinal);
            if (member.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                Flatten(member.Value, "", separator, values);
            else
                values[member.Name] = member.Value.ToString();
            _secrets[member.Name] = values;
        }
    }

    private void ReadFlat(JsonElement root, string separator)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        Flatten(root, "", separator, values);
        foreach (var (name, value) in values)
            _secrets[name] = new Dictionary<string, string>(StringComparer.Ordinal) { [name] = value };
    }

    // JsonDocument refuses nesting beyond 64 levels, which bounds the recursion.
    private static void Flatten(
        JsonElement element,
        string path,
        string separator,
        Dictionary<string, string> values
    )
    {
        string Below(string name) => path.Length == 0 ? name : path + separator + name;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                    Flatten(member.Value, Below(member.Name), separator, values);
                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in element.EnumerateArray())
                    Flatten(item, Below((index++).ToString(CultureInfo.InvariantCulture)), separator, values);
                break;
            default:
                values[path] = element.ToString();
                break;
        }
    }
}
