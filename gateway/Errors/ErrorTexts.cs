using System.Globalization;
using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace Souk.Gateway.Errors;

/// <summary>
/// What errors mean, in the languages of protos/texts: by reason, else by HTTP status. Looked up as
/// RFC 4647 says: who reads "de-CH" is given "de".
/// </summary>
internal sealed class ErrorTexts
{
    public const string Default = "en";

    private const string Folder = "texts/";
    private const string StatusDomain = "http";
    private const string OtherStatus = "500";

    /// <summary>Who lists more or longer languages than any browser is given the default.</summary>
    private const int HeaderCharsMax = 500;

    private readonly Dictionary<string, Dictionary<string, Dictionary<string, string>>> _byLanguage = new(
        StringComparer.OrdinalIgnoreCase
    );

    private ErrorTexts()
    {
        var assembly = typeof(ErrorTexts).Assembly;
        foreach (
            var name in assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        )
        {
            using var stream = assembly.GetManifestResourceStream(name) ?? Stream.Null;
            _byLanguage[Path.GetFileNameWithoutExtension(name)] =
                JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, string>>>(stream) ?? [];
        }
    }

    public static ErrorTexts All { get; } = new();

    public IEnumerable<string> Languages => _byLanguage.Keys;

    /// <summary>The text of a reason in a language that there is; null where it has none.</summary>
    public string? Of(string language, string domain, string reason) =>
        _byLanguage[language].GetValueOrDefault(domain)?.GetValueOrDefault(reason);

    /// <summary>What a status means, for errors whose reason is not known here.</summary>
    public string OfStatus(string language, int httpStatus)
    {
        var texts = _byLanguage[language][StatusDomain];
        return texts.GetValueOrDefault(httpStatus.ToString(CultureInfo.InvariantCulture))
            ?? texts[OtherStatus];
    }

    /// <summary>The language of ours that the reader likes best; English when none.</summary>
    public string LanguageFor(string acceptLanguage)
    {
        if (
            acceptLanguage.Length is 0 or > HeaderCharsMax
            || !StringWithQualityHeaderValue.TryParseList([acceptLanguage], out var wishes)
        )
            return Default;
        return wishes
                .Where(wish => wish.Quality is null or > 0)
                .OrderByDescending(wish => wish.Quality ?? 1)
                .Select(wish => Known(wish.Value.Value ?? ""))
                .FirstOrDefault(language => language is not null)
            ?? Default;
    }

    // The whole tag, then shorter and shorter; "*" is content with the default.
    private string? Known(string tag)
    {
        if (tag == "*")
            return Default;
        for (var end = tag.Length; end > 0; end = tag.LastIndexOf('-', end - 1))
        {
            if (_byLanguage.Keys.FirstOrDefault(IsPrefix(tag[..end])) is { } language)
                return language;
        }
        return null;
    }

    private static Func<string, bool> IsPrefix(string tag) =>
        language => language.Equals(tag, StringComparison.OrdinalIgnoreCase);
}
