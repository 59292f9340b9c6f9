using System.Globalization;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Components;

/// <summary>One component of a resources folder, its metadata resolved to text.</summary>
internal sealed record ComponentSpec
{
    public required string Name { get; init; }

    /// <summary>Lower case, e.g. <c>state.redis</c>.</summary>
    public required string Type { get; init; }

    public required string Version { get; init; }

    public required string File { get; init; }

    /// <summary>Where its document begins.</summary>
    public required long Line { get; init; }

    /// <summary>Where its type, its version and each item of its metadata stand.</summary>
    public required IReadOnlyDictionary<string, long> Lines { get; init; }

    /// <summary>File and line, for messages.</summary>
    public string Place => $"{File}:{Line}";

    /// <summary>Names are matched without regard to case.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Metadata whose environment variable is not set: name to variable.</summary>
    public IReadOnlyDictionary<string, string> Missing { get; init; } =
        new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<string> Scopes { get; init; } = [];
    public bool IgnoreErrors { get; init; }
    public TimeSpan InitTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public bool IsFor(string appId) => Scopes.Count == 0 || Scopes.Contains(appId);

    public string? Text(string name) =>
        Metadata.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    public string Required(string name)
    {
        if (Text(name) is { } text)
            return text;
        throw Missing.TryGetValue(name, out var variable)
            ? Error(name, $"needs the environment variable {variable}, which is not set")
            : Error(name, "is required");
    }

    public int Whole(string name, int fallback)
    {
        if (Text(name) is not { } text)
            return fallback;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Error(name, $"must be a whole number, not '{text}'");
    }

    public bool Flag(string name)
    {
        if (Text(name) is not { } text)
            return false;
        return GoValues.TryFlag(text, out var value)
            ? value
            : throw Error(name, $"must be true or false, not '{text}'");
    }

    /// <summary>A duration; a plain number means seconds unless said otherwise.</summary>
    public TimeSpan Duration(string name, TimeSpan fallback, TimeSpan? plainUnit = null)
    {
        if (Text(name) is not { } text)
            return fallback;
        return GoValues.TryDuration(text, plainUnit ?? TimeSpan.FromSeconds(1), out var value)
            ? value
            : throw Error(name, $"must be a duration such as 5s or 500ms, not '{text}'");
    }

    public ConfigException Error(string name, string problem) =>
        new($"{File}:{Lines.GetValueOrDefault(name, Line)}: component '{Name}' ({Type}): {name} {problem}");
}
