using System.Globalization;

namespace Souk.Bench;

/// <summary>Resident memory of the mesh's processes, in MiB, by process name.</summary>
internal static class MeshMemory
{
    /// <summary>Reads <c>/proc</c> for every pid file of the directory; a file whose process is gone is left
    /// out.</summary>
    public static IReadOnlyDictionary<string, double> Read(string pidDirectory)
    {
        var resident = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var file in Directory.Exists(pidDirectory) ? Directory.GetFiles(pidDirectory, "*.pid") : [])
        {
            var status = $"/proc/{File.ReadAllText(file).Trim()}/status";
            var line = File.Exists(status)
                ? File.ReadLines(status)
                    .FirstOrDefault(text => text.StartsWith("VmRSS:", StringComparison.Ordinal))
                : null;
            if (line is not null)
            {
                var kibibytes = double.Parse(
                    line.Split(':')[1].Replace("kB", "").Trim(),
                    CultureInfo.InvariantCulture
                );
                resident[Path.GetFileNameWithoutExtension(file)] = kibibytes / 1024;
            }
        }

        return resident;
    }
}
