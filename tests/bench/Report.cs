using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Souk.Bench;

/// <summary>The figures as a table, as JSON and as a picture.</summary>
internal static class Report
{
    private const double MemoryTargetMiB = 3 * 1024;
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    public static void Print(IReadOnlyList<Measurement> results, IReadOnlyDictionary<string, double> memory)
    {
        // 80 columns, so that no terminal breaks its lines.
        var table = new Table()
            .Border(TableBorder.Simple)
            .AddColumns("scenario", "done/s", "p50", "p95 (rounds)", "p99", "target", "");
        foreach (var column in table.Columns)
            column.NoWrap().PadLeft(0).PadRight(0);
        foreach (var r in results)
        {
            table.AddRow(
                r.Name,
                Number(r.DonePerSecond),
                Number(r.P50),
                $"{Number(r.P95)} ({Number(r.Rounds.Min(x => x.P95))}-{Number(r.Rounds.Max(x => x.P95))})",
                Number(r.P99),
                r.TargetP95 is { } ms ? $"< {ms} ms" : $">= {r.TargetPerSecond}/s",
                r.IsMet ? "[green]met[/]" : "[red]missed[/]"
            );
        }

        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"[grey]latencies in ms: medians of {results[0].Rounds.Count} rounds; in brackets the best and the worst[/]"
        );
        foreach (var r in results)
        {
            foreach (var (reason, count) in r.Failures)
                AnsiConsole.MarkupLineInterpolated($"[red]{r.Name}: {count} failed: {reason}[/]");
        }

        var parts = string.Join(", ", memory.Select(part => $"{part.Key} {part.Value:F0}"));
        AnsiConsole.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"mesh resident: {memory.Values.Sum():F0} MiB of {MemoryTargetMiB:F0} ({parts})"
        );
    }

    public static async Task WriteAsync(
        IReadOnlyList<Measurement> results,
        IReadOnlyDictionary<string, double> memory,
        string directory,
        CancellationToken cancellationToken
    )
    {
        Directory.CreateDirectory(directory);
        var json = JsonSerializer.Serialize(
            new
            {
                results,
                memory_mib = memory,
                processors = Environment.ProcessorCount,
            },
            Json
        );
        await File.WriteAllTextAsync(Path.Combine(directory, "result.json"), json, cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(directory, "chart.svg"), Chart(results), cancellationToken);
        AnsiConsole.MarkupLineInterpolated(
            $"[grey]written: {directory}/result.json, {directory}/chart.svg[/]"
        );
    }

    /// <summary>A bar for p50, p95 and p99 of each scenario, with a mark at the target.</summary>
    internal static string Chart(IReadOnlyList<Measurement> results)
    {
        const int width = 760;
        const int left = 190;
        const int bar = 12;
        const int group = 3 * bar + 22;
        var most = results.Max(r => Math.Max(r.P99, r.TargetP95 ?? 0));
        double X(double ms) => left + (width - left - 60) * (most == 0 ? 0 : ms / most);

        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{results.Count * group + 30}' "
                + $"font-family='sans-serif' font-size='11'>\n"
        );
        svg.Append("<rect width='100%' height='100%' fill='white'/>\n");
        for (var i = 0; i < results.Count; i++)
        {
            var r = results[i];
            var top = 20 + i * group;
            svg.Append(CultureInfo.InvariantCulture, $"<text x='8' y='{top + 24}'>{r.Name}</text>\n");
            var bars = new[]
            {
                ("p50", r.P50, "#9ecae1"),
                ("p95", r.P95, "#4292c6"),
                ("p99", r.P99, "#08519c"),
            };
            for (var b = 0; b < bars.Length; b++)
            {
                var (label, ms, colour) = bars[b];
                var y = top + b * (bar + 2);
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<rect x='{left}' y='{y}' width='{X(ms) - left:F1}' height='{bar}' fill='{colour}'/>"
                );
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<text x='{X(ms) + 4:F1}' y='{y + 10}'>{label} {ms:F1} ms</text>\n"
                );
            }

            if (r.TargetP95 is { } target)
            {
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<line x1='{X(target):F1}' x2='{X(target):F1}' y1='{top - 4}' y2='{top + 3 * (bar + 2)}' "
                        + $"stroke='#cb181d' stroke-dasharray='3 2'/>\n"
                );
            }
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static string Number(double value) =>
        value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);
}
