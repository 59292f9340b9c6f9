using System.Buffers;
using System.Globalization;
using System.Text;

namespace Souk.Catalog;

/// <summary>What a text may consist of. What passes is stored and returned as it came.</summary>
internal static class Texts
{
    private static readonly SearchValues<char> NotInUrls = SearchValues.Create(" <>\"\\");

    /// <summary>
    /// What is wrong with a name; null when nothing is. Two names that look the same must be the same.
    /// </summary>
    internal static string? NameProblem(string text, int lengthMax)
    {
        if (string.IsNullOrWhiteSpace(text))
            return "must not be blank";
        return ValueProblem(text, lengthMax);
    }

    /// <summary>What is wrong with a text of one line, which may be empty.</summary>
    internal static string? ValueProblem(string text, int lengthMax)
    {
        if (text.Length > lengthMax)
            return $"must have at most {lengthMax} characters";
        return text.EnumerateRunes().Any(IsInvisible)
            ? "must not contain control or invisible characters"
            : null;
    }

    /// <summary>What is wrong with a text of several lines.</summary>
    internal static string? ProseProblem(string text) =>
        text.EnumerateRunes().Any(rune => Rune.IsControl(rune) && rune.Value is not ('\n' or '\r' or '\t'))
            ? "must not contain control characters other than line breaks and tabs"
            : null;

    /// <summary>What is wrong with the address of an image.</summary>
    internal static string? ImageProblem(string url)
    {
        const int lengthMax = 2000;
        if (url.Length > lengthMax)
            return $"must have at most {lengthMax} characters";
        return
            url.StartsWith("https://", StringComparison.Ordinal)
            && Uri.TryCreate(url, UriKind.Absolute, out var uri)
            && uri.UserInfo.Length == 0
            && !url.AsSpan().ContainsAny(NotInUrls)
            && ValueProblem(url, lengthMax) is null
            ? null
            : "must be an https URL";
    }

    private static bool IsInvisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;
}
