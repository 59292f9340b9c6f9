using System.Globalization;
using Souk.Bench.Gateway;
using Souk.Bench.Holds;
using Souk.Bench.Sidecar;
using Spectre.Console;

namespace Souk.Bench;

/// <summary>
/// <c>bench mesh|sidecar|gateway|holds|soak [seconds per scenario]</c>: measures the running mesh through its
/// REST gateway, or alone the local runtime, the gateway or the reservation engine, or the runtime for leaks.
/// Load goes to loopback only and stops by itself. Prints a table and writes it under <c>.run/bench</c>.
/// </summary>
internal static class BenchHost
{
    private const int Rounds = 3;

    private static string ResultDirectory => Path.Combine(Setting("SOUK_RUN_DIR", ".run"), "bench");

    private static async Task<int> Main(string[] args)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Capabilities.Ansi = false;
            AnsiConsole.Profile.Width = 100;
        }
        var part = args.Length > 0 ? args[0] : "";
        var seconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10;
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(15));
        switch (part)
        {
            case "mesh":
                await MeasureMeshAsync(TimeSpan.FromSeconds(seconds), stop.Token);
                return 0;
            case "sidecar":
                await SidecarBench.RunAsync(TimeSpan.FromSeconds(seconds), ResultDirectory, stop.Token);
                return 0;
            case "gateway":
                await GatewayBench.RunAsync(TimeSpan.FromSeconds(seconds), ResultDirectory, stop.Token);
                return 0;
            case "holds":
                await HoldBench.RunAsync(TimeSpan.FromSeconds(seconds) / 4, ResultDirectory, stop.Token);
                return 0;
            case "soak":
                await SoakBench.RunAsync(TimeSpan.FromSeconds(seconds), ResultDirectory, stop.Token);
                return 0;
            case "opponents":
                await Opponents.RunAsync(OpponentPorts.Parse(args.Skip(1)), stop.Token);
                return 0;
            default:
                await Console.Error.WriteLineAsync(
                    "usage: bench mesh|sidecar|gateway|holds|soak [seconds per scenario]"
                );
                return 2;
        }
    }

    private static async Task MeasureMeshAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var url = Setting("SOUK_URL", $"http://127.0.0.1:{Setting("SOUK_GATEWAY_PORT", "8080")}");
        var runDirectory = Setting("SOUK_RUN_DIR", ".run");
        using var shop = await Shop.OpenAsync(new Uri(url), runDirectory, cancellationToken);

        foreach (var scenario in Scenarios.All)
            await scenario.RunAsync(shop, Shorter(duration), cancellationToken);
        var rounds = Scenarios.All.ToDictionary(scenario => scenario, _ => new List<Round>());
        for (var round = 1; round <= Rounds; round++)
        {
            // In turn, so that what else the machine does meets all scenarios.
            foreach (var (scenario, done) in rounds)
            {
                AnsiConsole.MarkupLineInterpolated($"[grey]round {round} of {Rounds}: {scenario.Name}[/]");
                done.Add(await scenario.RunAsync(shop, duration, cancellationToken));
            }
        }

        var results = rounds
            .Select(pair => new Measurement(
                pair.Key.Name,
                pair.Key.PerSecond,
                pair.Key.TargetP95,
                pair.Key.TargetPerSecond,
                pair.Value
            ))
            .ToList();
        var memory = MeshMemory.Read(Path.Combine(runDirectory, "pids"));
        Report.Print(results, memory);
        await Report.WriteAsync(results, memory, ResultDirectory, cancellationToken);
    }

    /// <summary>Long enough to warm up.</summary>
    internal static TimeSpan Shorter(TimeSpan duration) =>
        TimeSpan.FromSeconds(Math.Min(3, duration.TotalSeconds));

    internal static string Setting(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
