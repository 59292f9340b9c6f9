namespace Souk.Tests.Repo;

/// <summary>Files and lines stay small enough to be read in one go (style.md 3.1 rule 2).</summary>
internal sealed class SizeTests
{
    private const int FileLinesMax = 600;
    private const int TestFileLinesMax = 800;
    private const int LineLengthMax = 110;

    // A message is easier to find by its words when it is not cut in two.
    private const int TextLineLengthMax = 140;

    private static readonly string[] Sources = [".cs", ".proto", ".sql", ".sh"];

    [Test]
    public void Sources_EachFile_HasNoMoreLinesThanAllowed()
    {
        var sizes = RepoFiles.With(Sources).Select(file => (file, Count: file.Lines.Length)).ToList();
        foreach (var (file, count) in sizes.OrderByDescending(size => size.Count).Take(10))
            TestContext.Out.WriteLine($"{count, 5} {file}");
        Rule.Holds(
            sizes
                .Where(size => size.Count > (size.file.IsTest ? TestFileLinesMax : FileLinesMax))
                .Select(size => $"{size.file}: {size.Count} lines"),
            "Split a long file by resource or by topic."
        );
    }

    [Test]
    public void Sources_EachLine_IsNoLongerThanAllowed() =>
        Rule.Holds(
            RepoFiles.With(Sources).SelectMany(file => file.Find(IsTooLong)),
            $"Break a line after {LineLengthMax} characters; `make fmt` does it for C#."
        );

    private static bool IsTooLong(string line) =>
        line.Length > (line.TrimStart().TrimStart('$').StartsWith('"') ? TextLineLengthMax : LineLengthMax);
}
