using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Souk.Shared;

namespace Souk.Sidecar.Metrics;

/// <summary>
/// One metric with its series, one for each set of label values. The number of series is bounded: callers
/// choose some of the values, and what comes on top is counted under <c>other</c>.
/// </summary>
internal abstract class MetricFamily(string kind, double[] bounds, string name, string help, string[] labels)
{
    private const int SeriesMax = 500;
    private const int ValueLengthMax = 200;

    private readonly ConcurrentDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);

    public void Write(StringBuilder text)
    {
        if (_series.IsEmpty)
            return;
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {kind}\n");
        foreach (var (labelText, series) in _series.OrderBy(item => item.Key, StringComparer.Ordinal))
            series.Write(text, name, labelText);
    }

    protected MetricSeries With(params ReadOnlySpan<string> values)
    {
        var key = Render(values);
        if (_series.TryGetValue(key, out var series))
            return series;
        if (_series.Count >= SeriesMax)
            key = Render(Enumerable.Repeat("other", values.Length).ToArray());
        return _series.GetOrAdd(key, static (_, bounds) => new MetricSeries(bounds), bounds);
    }

    private string Render(ReadOnlySpan<string> values)
    {
        var text = new StringBuilder();
        for (var i = 0; i < labels.Length; i++)
        {
            var value = values[i].Length > ValueLengthMax ? values[i][..ValueLengthMax] : values[i];
            text.Append(i == 0 ? "" : ",").Append(labels[i]).Append("=\"");
            text.Append(value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")).Append('"');
        }
        return text.ToString();
    }
}

/// <summary>Counts what happened.</summary>
internal sealed class Counter(string name, string help, params string[] labels)
    : MetricFamily("counter", [], name, help, labels)
{
    public void Add(params ReadOnlySpan<string> values) => With(values).Increase(1);
}

/// <summary>How long things took, in milliseconds.</summary>
internal sealed class Histogram(string name, string help, params string[] labels)
    : MetricFamily("histogram", Milliseconds, name, help, labels)
{
    private static readonly double[] Milliseconds =
    [
        0.25,
        0.5,
        1,
        2,
        3,
        5,
        10,
        20,
        50,
        100,
        250,
        500,
        1_000,
        2_500,
        5_000,
        10_000,
        60_000,
    ];

    public void Record(TimeSpan elapsed, params ReadOnlySpan<string> values) =>
        With(values).Add(elapsed.TotalMilliseconds);
}
