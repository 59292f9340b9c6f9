namespace Souk.Tests.Harness;

/// <summary>The working copy that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its top directory.</summary>
    internal static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    private static string Find(DirectoryInfo? from)
    {
        while (from is not null && !File.Exists(Path.Combine(from.FullName, "Directory.Packages.props")))
            from = from.Parent;
        return from?.FullName
            ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
