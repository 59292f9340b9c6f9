using System.Globalization;
using Souk.Bench.Gateway;
using Souk.Bench.Sidecar;
using Spectre.Console;

namespace Souk.Bench;

/// <summary>
/// <c>bench mesh|sidecar|gateway [seconds per scenario]</c>: measures the running mesh through its REST
/// gateway, or the local runtime alone, or the gateway alone. Load goes to loopback only and stops by itself.
/// Prints a table and writes it under <c>.run/bench</c>. </summary>
internal static class BenchHost
{
    private static async Task<int> Main(string[] args)
    {
        var part = args.Length > 0 ? args[0] : "";
        var seconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 20;
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(15));
        switch (part)
        {
            case "mesh":
                await MeasureMeshAsync(TimeSpan.FromSeconds(seconds), stop.Token);
                return 0;
            case "sidecar":
                await SidecarBench.RunAsync(
                    TimeSpan.FromSeconds(seconds),
                    Path.Combine(Setting("SOUK_RUN_DIR", ".run"), "bench"),
                    stop.Token
                );
                return 0;
            case "gateway":
                await GatewayBench.RunAsync(
                    TimeSpan.FromSeconds(seconds),
                    Path.Combine(Setting("SOUK_RUN_DIR", ".run"), "bench"),
                    stop.Token
                );
                return 0;
            case "opponents":
                await Opponents.RunAsync(seconds, stop.Token);
                return 0;
            default:
                await Console.Error.WriteLineAsync(
                    "usage: bench mesh|sidecar|gateway [seconds per scenario]"
                );
                return 2;
        }
    }

    private static async Task MeasureMeshAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var url = Setting("SOUK_URL", $"http://127.0.0.1:{Setting("SOUK_GATEWAY_PORT", "8080")}");
        var runDirectory = Setting("SOUK_RUN_DIR", ".run");
        using var shop = await Shop.OpenAsync(new Uri(url), runDirectory, cancellationToken);

        var results = new List<Measurement>();
        foreach (var scenario in Scenarios.All)
        {
            AnsiConsole.MarkupLineInterpolated($"[grey]{scenario.Name} …[/]");
            // Warm-up, not counted.
            await scenario.RunAsync(shop, Shorter(duration), cancellationToken);
            results.Add(await scenario.RunAsync(shop, duration, cancellationToken));
        }

        var memory = MeshMemory.Read(Path.Combine(runDirectory, "pids"));
        Report.Print(results, memory);
        await Report.WriteAsync(results, memory, Path.Combine(runDirectory, "bench"), cancellationToken);
    }

    /// <summary>Long enough to warm up.</summary>
    internal static TimeSpan Shorter(TimeSpan duration) =>
        TimeSpan.FromSeconds(Math.Min(3, duration.TotalSeconds));

    internal static string Setting(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
