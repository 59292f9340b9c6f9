using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>Programs of this machine that some tests need.</summary>
internal static class Programs
{
    /// <summary>
    /// The path of the first of these that is installed. Without one the test is ignored on a desk and fails
    /// on CI.
    /// </summary>
    internal static string Require(params string[] names)
    {
        var folders = Env.Text("PATH", "").Split(Path.PathSeparator);
        var found = names
            .SelectMany(name => folders.Select(folder => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
        if (found is not null)
            return found;
        SystemProgram.Missing(
            $"{string.Join(" or ", names)} is not installed: `make test` installs it by apt as root."
        );
        return "";
    }
}
