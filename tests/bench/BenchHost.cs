using System.Globalization;
using Spectre.Console;

namespace Souk.Bench;

/// <summary>
/// Measures the running mesh through its REST gateway: <c>bench [seconds per scenario]</c>. Load goes to
/// loopback only and stops by itself. Prints a table and writes <c>.run/bench/result.json</c> and
/// <c>chart.svg</c>. </summary>
internal static class BenchHost
{
    private static async Task<int> Main(string[] args)
    {
        var seconds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 20;
        var url = Setting("SOUK_URL", $"http://127.0.0.1:{Setting("SOUK_GATEWAY_PORT", "8080")}");
        var runDirectory = Setting("SOUK_RUN_DIR", ".run");

        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(15));
        using var shop = await Shop.OpenAsync(new Uri(url), runDirectory, stop.Token);
        var duration = TimeSpan.FromSeconds(seconds);

        var results = new List<Measurement>();
        foreach (var scenario in Scenarios.All)
        {
            AnsiConsole.MarkupLineInterpolated($"[grey]{scenario.Name} …[/]");
            // Warm-up, not counted.
            await scenario.RunAsync(shop, TimeSpan.FromSeconds(Math.Min(3, seconds)), stop.Token);
            results.Add(await scenario.RunAsync(shop, duration, stop.Token));
        }

        var memory = MeshMemory.Read(Path.Combine(runDirectory, "pids"));
        Report.Print(results, memory);
        await Report.WriteAsync(results, memory, Path.Combine(runDirectory, "bench"), stop.Token);
        return 0;
    }

    private static string Setting(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
