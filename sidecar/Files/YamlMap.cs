using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Souk.Sidecar.Files;

/// <summary>
/// One mapping of a YAML file that knows where it stands, so that every complaint names file, line and field.
/// Members that nobody asks for are ignored, as Dapr ignores them.
/// </summary>
internal sealed class YamlMap
{
    private readonly string _file;
    private readonly string _path;
    private readonly YamlMappingNode _node;

    private YamlMap(string file, string path, YamlMappingNode node)
    {
        _file = file;
        _path = path;
        _node = node;
    }

    public string File => _file;

    public long Line => _node.Start.Line;

    /// <summary>The documents of a file that are mappings; empty documents are skipped.</summary>
    public static IReadOnlyList<YamlMap> LoadAll(string file)
    {
        var stream = Read(file);
        var maps = new List<YamlMap>();
        foreach (var document in stream.Documents)
        {
            if (IsNull(document.RootNode))
                continue;
            if (document.RootNode is not YamlMappingNode map)
                throw new ConfigException($"{file}:{document.RootNode.Start.Line}: a mapping is expected");
            maps.Add(new YamlMap(file, "", map));
        }
        return maps;
    }

    private static YamlStream Read(string file)
    {
        IParser? parser = null;
        try
        {
            using var reader = System.IO.File.OpenText(file);
            parser = new BoundedYaml(new Parser(reader));
            var stream = new YamlStream();
            stream.Load(parser);
            return stream;
        }
        catch (YamlException e)
        {
            throw new ConfigException($"{file}:{e.Start.Line}: {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"{file}: {e.Message}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException)
        {
            // What the parser did not expect to meet at all.
            var line = parser?.Current?.End.Line ?? 1;
            throw new ConfigException($"{file}:{line}: While parsing: this is no YAML", e);
        }
    }

    /// <summary>Where a member stands, or the mapping itself when it has no such member.</summary>
    public long LineOf(string name) => (Find(name) ?? _node).Start.Line;

    public bool Has(string name) => Find(name) is not null;

    public string? Text(string name)
    {
        var node = Find(name);
        return node switch
        {
            null => null,
            YamlScalarNode scalar => scalar.Value,
            _ => throw Wrong(node, name, "must be text"),
        };
    }

    public string Required(string name)
    {
        var text = Text(name);
        return string.IsNullOrEmpty(text) ? throw Error(name, "is required") : text;
    }

    public int? Whole(string name, int min, int max)
    {
        if (Text(name) is not { } text)
            return null;
        return
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= min
            && value <= max
            ? value
            : throw Error(name, $"must be a whole number from {min} to {max}, not '{text}'");
    }

    public bool? Flag(string name)
    {
        if (Text(name) is not { } text)
            return null;
        return GoValues.TryFlag(text, out var value)
            ? value
            : throw Error(name, $"must be true or false, not '{text}'");
    }

    public TimeSpan? Duration(string name)
    {
        if (Text(name) is not { } text)
            return null;
        return GoValues.TryDuration(text, TimeSpan.FromSeconds(1), out var value)
            ? value
            : throw Error(name, $"must be a duration such as 5s or 500ms, not '{text}'");
    }

    public YamlMap? Map(string name)
    {
        var node = Find(name);
        return node switch
        {
            null => null,
            YamlMappingNode map => new YamlMap(_file, PathOf(name), map),
            _ => throw Wrong(node, name, "must be a mapping"),
        };
    }

    public IReadOnlyList<YamlMap> Maps(string name)
    {
        var items = Items(name);
        var maps = new YamlMap[items.Count];
        for (var i = 0; i < items.Count; i++)
        {
            maps[i] = items[i] is YamlMappingNode map
                ? new YamlMap(_file, $"{PathOf(name)}[{i}]", map)
                : throw Wrong(items[i], $"{name}[{i}]", "must be a mapping");
        }
        return maps;
    }

    public IReadOnlyList<string> Texts(string name)
    {
        var items = Items(name);
        var texts = new string[items.Count];
        for (var i = 0; i < items.Count; i++)
        {
            texts[i] = items[i] is YamlScalarNode { Value: { } text }
                ? text
                : throw Wrong(items[i], $"{name}[{i}]", "must be text");
        }
        return texts;
    }

    /// <summary>The mapping's own members as text to text.</summary>
    public IReadOnlyDictionary<string, string> AsTexts()
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in Names())
            texts[name] = Text(name) ?? "";
        return texts;
    }

    public IEnumerable<string> Names() =>
        _node.Children.Keys.OfType<YamlScalarNode>().Select(key => key.Value ?? "");

    public ConfigException Error(string name, string problem) => Wrong(Find(name) ?? _node, name, problem);

    private IReadOnlyList<YamlNode> Items(string name)
    {
        var node = Find(name);
        return node switch
        {
            null => [],
            YamlSequenceNode sequence => [.. sequence.Children],
            _ => throw Wrong(node, name, "must be a list"),
        };
    }

    private YamlNode? Find(string name)
    {
        foreach (var (key, value) in _node.Children)
        {
            if (key is YamlScalarNode scalar && scalar.Value == name)
                return IsNull(value) ? null : value;
        }
        return null;
    }

    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    private ConfigException Wrong(YamlNode node, string name, string problem) =>
        new($"{_file}:{node.Start.Line}: {PathOf(name)} {problem}");

    private string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";
}
