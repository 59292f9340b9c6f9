using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Souk.Bench;

/// <summary>The figures of one run, each beside its target if it has one.</summary>
internal sealed class Figures(string subject, string file)
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly List<Figure> _figures = [];
    private readonly Dictionary<string, int> _failures = [];

    public void Note(string name, double value, string unit) =>
        _figures.Add(new(name, value, unit, "", null));

    public void Below(string name, double value, double limit, string unit) =>
        _figures.Add(new(name, value, unit, Text($"< {limit} {unit}"), value < limit));

    public void AtLeast(string name, double value, double wanted, string unit) =>
        _figures.Add(new(name, value, unit, Text($">= {wanted} {unit}"), value >= wanted));

    /// <summary>Adds operations that failed, by what they were.</summary>
    public void Fail(string what, IReadOnlyDictionary<string, int> failures)
    {
        foreach (var (reason, count) in failures)
        {
            var key = $"{what}: {reason}";
            _failures[key] = _failures.GetValueOrDefault(key) + count;
        }
    }

    public void Print()
    {
        var table = new Table().AddColumns(subject, "measured", "target", "");
        foreach (var figure in _figures)
        {
            table.AddRow(
                figure.Name,
                Text($"{figure.Value:F2} {figure.Unit}"),
                figure.Target,
                figure.Met switch
                {
                    true => "[green]met[/]",
                    false => "[red]missed[/]",
                    null => "",
                }
            );
        }

        AnsiConsole.Write(table);
        foreach (var (reason, count) in _failures)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{count} failed: {reason}[/]");
        }
    }

    public async Task WriteAsync(string directory, CancellationToken cancellation)
    {
        Directory.CreateDirectory(directory);
        var json = JsonSerializer.Serialize(
            new
            {
                figures = _figures,
                failures = _failures,
                processors = Environment.ProcessorCount,
            },
            Json
        );
        await File.WriteAllTextAsync(Path.Combine(directory, file), json, cancellation);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Figure(string Name, double Value, string Unit, string Target, bool? Met);
}
