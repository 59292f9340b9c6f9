using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Souk.Gateway.Errors;

/// <summary>
/// What is wrong with a field, in the languages of protos/texts/violations. A file maps the English sentences
/// that services say to its language; "{0}", "{1}" stand for the numbers and names in them. A sentence that
/// is not in the file stays English.
/// </summary>
internal sealed class ViolationTexts
{
    private const string Folder = "violations/";

    /// <summary>What services say of a field is one line: nothing longer is looked up.</summary>
    private const int CharsMax = 500;

    private static readonly Dictionary<string, ViolationTexts> ByLanguage = typeof(ViolationTexts)
        .Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        .ToDictionary(name => Path.GetFileNameWithoutExtension(name), Load, StringComparer.OrdinalIgnoreCase);

    private readonly Dictionary<string, string> _texts;
    private readonly (Regex English, string Text)[] _patterns;

    private ViolationTexts(Dictionary<string, string> texts)
    {
        _texts = texts;
        // The longer pattern is tried first: "must be 1 to 5 seconds" also matches "must be {0} to {1}".
        _patterns =
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
        if (_texts.TryGetValue(english, out var known))
            return known;
        foreach (var (pattern, text) in _patterns)
        {
            if (pattern.Match(english) is { Success: true } match)
                return string.Format(CultureInfo.InvariantCulture, text, [.. PartsOf(match)]);
        }
        return null;
    }

    // A part can be a sentence of the file itself, as in "must have names of which each {0}".
    private IEnumerable<object> PartsOf(Match match) =>
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
