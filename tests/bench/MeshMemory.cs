using System.Globalization;

namespace Souk.Bench;

/// <summary>Resident memory of the mesh's processes, in MiB, by process name.</summary>
internal static class MeshMemory
{
    /// <summary>Reads <c>/proc</c> for every pid file of the directory; a process that is gone counts
    /// 0.</summary>
    public static IReadOnlyDictionary<string, double> Read(string pidDirectory)
    {
        var resident = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var file in Directory.Exists(pidDirectory) ? Directory.GetFiles(pidDirectory, "*.pid") : [])
        {
            if (
                int.TryParse(
                    File.ReadLines(file).FirstOrDefault(""),
                    CultureInfo.InvariantCulture,
                    out var pid
                )
            )
            {
                resident[Path.GetFileNameWithoutExtension(file)] = ResidentMiB(pid);
            }
        }

        return resident;
    }

    /// <summary>Resident memory of one process, in MiB; 0 when it is gone.</summary>
    public static double ResidentMiB(int pid)
    {
        var status = $"/proc/{pid}/status";
        var line = File.Exists(status)
            ? File.ReadLines(status)
                .FirstOrDefault(text => text.StartsWith("VmRSS:", StringComparison.Ordinal))
            : null;
        return line is null
            ? 0
            : double.Parse(line.Split(':')[1].Replace("kB", "").Trim(), CultureInfo.InvariantCulture) / 1024;
    }
}
