namespace Souk.Sidecar.Files;

/// <summary>Paths of a run file.</summary>
internal static class RunPaths
{
    /// <summary>Absolute, relative to the folder, or in the user's home behind a tilde.</summary>
    public static string Resolve(string folder, string path)
    {
        if (path == "~" || path.StartsWith("~/", StringComparison.Ordinal))
            path = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..];
        return Path.GetFullPath(path, folder);
    }
}
