namespace Souk.Tests.Sidecar;

/// <summary>A folder for files that a component is to read; it goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("souk-files-");

    internal string FullName => _folder.FullName;

    /// <summary>Writes a file and returns where it lies.</summary>
    internal string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
