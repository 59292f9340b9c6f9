using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.Gateway.Errors;

/// <summary>
/// What is wrong with a field, in the languages of protos/texts/violations: by the English that services say,
/// whose numbers and names are "{0}", "{1}" in the texts. What has no text there stays English.
/// </summary>
internal sealed class ViolationTexts
{
    private const string Folder = "violations/";

    /// <summary>Longer ones are not ours: what we say of a field is a line.</summary>
    private const int CharsMax = 500;

    private static readonly Dictionary<string, ViolationTexts> ByLanguage = typeof(ViolationTexts)
        .Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        .ToDictionary(name => Path.GetFileNameWithoutExtension(name), Load, StringComparer.OrdinalIgnoreCase);

    private readonly Dictionary<string, string> _plain;
    private readonly (Regex English, string Text)[] _filled;

    private ViolationTexts(Dictionary<string, string> texts)
    {
        _plain = texts;
        // What says more is tried first: "must be 1 to 5 seconds" is no "must be {0} to {1}".
        _filled =
        [
            .. texts
                .Where(text => text.Key.Contains("{0}", StringComparison.Ordinal))
                .OrderByDescending(text => text.Key.Length)
                .Select(text => (PatternOf(text.Key), text.Value)),
        ];
    }

    /// <summary>The text in the language; null where there is none.</summary>
    public static string? Of(string language, string english) =>
        english.Length <= CharsMax && ByLanguage.TryGetValue(language, out var texts)
            ? texts.Find(english)
            : null;

    private string? Find(string english)
    {
        if (_plain.TryGetValue(english, out var plain))
            return plain;
        foreach (var (pattern, text) in _filled)
        {
            if (pattern.Match(english) is { Success: true } match)
                return string.Format(CultureInfo.InvariantCulture, text, [.. Filled(match)]);
        }
        return null;
    }

    // Some say of a part what another text says: it is told in the same language.
    private IEnumerable<object> Filled(Match match) =>
        match.Groups.Values.Skip(1).Select(part => Find(part.Value) ?? part.Value);

    private static Regex PatternOf(string english)
    {
        var pieces = english.Split(["{0}", "{1}", "{2}"], StringSplitOptions.None).Select(Regex.Escape);
        return new Regex(
            $"^{string.Join("(.+?)", pieces)}$",
            RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
        );
    }

    private static ViolationTexts Load(string name)
    {
        using var stream = typeof(ViolationTexts).Assembly.GetManifestResourceStream(name) ?? Stream.Null;
        return new(JsonSerializer.Deserialize<Dictionary<string, string>>(stream) ?? []);
    }
}
