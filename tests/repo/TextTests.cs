using System.Text.RegularExpressions;

namespace Souk.Tests.Repo;

/// <summary>What every text file keeps to, whatever its language.</summary>
internal sealed partial class TextTests
{
    private static readonly string[] Texts =
    [
        ".cs",
        ".proto",
        ".sql",
        ".sh",
        ".md",
        ".yaml",
        ".yml",
        ".json",
        ".jsonl",
        ".csproj",
        ".props",
        ".targets",
        ".slnx",
    ];

    [Test]
    public void Texts_OpenQuestion_NamesItsIssue() =>
        Rule.Holds(
            // This file has to spell the words that it looks for.
            RepoFiles
                .With(Texts)
                .Where(file => !file.Path.EndsWith("repo/TextTests.cs", StringComparison.Ordinal))
                .SelectMany(file => file.Find(line => OpenQuestion().IsMatch(line))),
            "Do it, or name the issue: TODO(#12)."
        );

    [Test]
    public void Texts_EachLine_HasNoTabAndNoTrailingSpace() =>
        Rule.Holds(
            RepoFiles
                .With(Texts)
                .SelectMany(file => file.Find(line => line.Contains('\t') || line.EndsWith(' '))),
            "Indent with spaces and end a line with its last word."
        );

    [Test]
    public void Texts_EachFile_EndsWithOneLineBreak() =>
        Rule.Holds(
            RepoFiles
                .With(Texts)
                .Where(file => file.Text.Length > 0)
                .Where(file =>
                    !file.Text.EndsWith('\n')
                    || file.Text.EndsWith("\n\n", StringComparison.Ordinal)
                    || file.Text.Contains('\r')
                )
                .Select(file => file.Path),
            "End the file with one line feed; no carriage returns."
        );

    [Test]
    public void Texts_EachFile_NamesNoMachineAndNoRegistry() =>
        Rule.Holds(
            RepoFiles
                .With(Texts)
                .Where(file => !file.Path.EndsWith("repo/TextTests.cs", StringComparison.Ordinal))
                .SelectMany(file => file.Find(line => Machine().IsMatch(line))),
            "A path or host of one machine does not work on another: derive it, or leave it to the user's configuration."
        );

    [Test]
    public void Markdown_EachFile_StartsWithItsOnlyTitle() =>
        Rule.Holds(
            RepoFiles
                .With(".md")
                .Where(file => Titles(file) != 1 || !file.Text.StartsWith("# ", StringComparison.Ordinal))
                .Select(file => file.Path),
            "Start with one `# Title`, and use `##` below it."
        );

    [Test]
    public void Markdown_EachRelativeLink_LeadsSomewhere() =>
        Rule.Holds(
            from file in RepoFiles.With(".md")
            from Match link in Link().Matches(file.Text)
            let target = link.Groups["target"].Value.Split('#')[0]
            where target.Length > 0 && !target.Contains("://")
            let folder = Path.GetDirectoryName(RepoFiles.FullPath(file.Path)) ?? RepoFiles.Root
            where !Path.Exists(Path.Combine(folder, target))
            select $"{file}: {target}",
            "The link is dead: mend it or take it out."
        );

    // A `#` line inside a fenced block is a shell comment.
    private static int Titles(RepoFile file)
    {
        var fenced = false;
        var titles = 0;
        foreach (var line in file.Lines)
        {
            fenced ^= line.StartsWith("```", StringComparison.Ordinal);
            titles += !fenced && line.StartsWith("# ", StringComparison.Ordinal) ? 1 : 0;
        }
        return titles;
    }

    [GeneratedRegex(@"\b(TODO|FIXME|HACK)\b(?!\(#\d+\))")]
    private static partial Regex OpenQuestion();

    [GeneratedRegex(
        @"(?<![\w.*$}>])/(work|root|home|Users)/\w|https?://[^ ""]*/v3/index\.json|https?://registry\."
    )]
    private static partial Regex Machine();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
