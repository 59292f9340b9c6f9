using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Souk.Bench.Sidecar;

/// <summary>PostgreSQL's own benchmark on the same server: what its disk and this machine allow.</summary>
internal static partial class Pgbench
{
    private const int Clients = 16;

    /// <summary>Transactions a second of the TPC-B-like script; null where the program is missing.</summary>
    public static async Task<double?> RunAsync(
        string databaseUrl,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        if (Find() is not { } program)
        {
            return null;
        }

        await RunAsync(program, ["-i", "-q", "-s", "10", databaseUrl], cancellation);
        var seconds = string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, duration.TotalSeconds):F0}");
        var clients = Clients.ToString(CultureInfo.InvariantCulture);
        var output = await RunAsync(
            program,
            ["-n", "-c", clients, "-j", "2", "-T", seconds, databaseUrl],
            cancellation
        );
        return double.Parse(Rate().Match(output).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static async Task<string> RunAsync(
        string program,
        string[] arguments,
        CancellationToken cancellation
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process =
            Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var said = process.StandardError.ReadToEndAsync(cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode == 0 ? output : throw new InvalidOperationException(await said);
    }

    // Debian keeps PostgreSQL's programs outside the PATH.
    private static string? Find()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').ToList();
        if (Directory.Exists("/usr/lib/postgresql"))
        {
            folders.AddRange(
                Directory
                    .GetDirectories("/usr/lib/postgresql")
                    .Select(version => Path.Combine(version, "bin"))
            );
        }

        return folders.Select(folder => Path.Combine(folder, "pgbench")).LastOrDefault(File.Exists);
    }

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Rate();
}
