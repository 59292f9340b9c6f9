using System.Reflection;

namespace Souk.Tests.Repo;

/// <summary>The repository's own files, for tests that read it as text.</summary>
internal static class RepoFiles
{
    private static readonly string[] SkippedFolders =
    [
        ".git",
        ".run",
        ".dapr",
        "artifacts",
        "bin",
        "obj",
        "node_modules",
        "TestResults",
    ];

    public static string Root { get; } = FindRoot();

    /// <summary>Every file, by path with "/" from the root, in order.</summary>
    public static IReadOnlyList<RepoFile> All { get; } =
    [.. Walk(Root).Select(path => new RepoFile(path)).OrderBy(file => file.Path, StringComparer.Ordinal)];

    public static IEnumerable<RepoFile> With(params string[] extensions) =>
        All.Where(file => extensions.Contains(Path.GetExtension(file.Path)));

    public static IEnumerable<RepoFile> Under(string folder, params string[] extensions) =>
        With(extensions).Where(file => file.Path.StartsWith(folder + "/", StringComparison.Ordinal));

    public static string FullPath(string path) => Path.Combine(Root, path);

    private static string FindRoot()
    {
        var folder = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
        while (folder is not null && !File.Exists(Path.Combine(folder, "Souk.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (var entry in Directory.EnumerateFileSystemEntries(folder))
        {
            if (!Directory.Exists(entry))
                yield return entry;
            else if (!SkippedFolders.Contains(Path.GetFileName(entry)))
            {
                foreach (var file in Walk(entry))
                    yield return file;
            }
        }
    }
}

/// <summary>One file of the repository.</summary>
internal sealed class RepoFile(string fullPath)
{
    private string? _text;
    private string[]? _lines;

    public string Path { get; } = System.IO.Path.GetRelativePath(RepoFiles.Root, fullPath).Replace('\\', '/');
    public string Text => _text ??= File.ReadAllText(fullPath);
    public string[] Lines => _lines ??= File.ReadAllLines(fullPath);
    public bool IsTest => Path.StartsWith("tests/", StringComparison.Ordinal);

    /// <summary>The lines that fit, as "path:line: text" for a failure's message.</summary>
    public IEnumerable<string> Find(Func<string, bool> fits) =>
        Lines
            .Index()
            .Where(line => fits(line.Item))
            .Select(line => $"{Path}:{line.Index + 1}: {line.Item.Trim()}");

    public override string ToString() => Path;
}
