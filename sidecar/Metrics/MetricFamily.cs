using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Souk.Sidecar.Metrics;

/// <summary>
/// One metric with its series, one for each set of label values. The number of series is bounded: callers
/// choose some of the values, and what comes on top is counted under <c>other</c>.
/// </summary>
internal abstract class MetricFamily<TSeries>(string name, string help, string[] labels)
    where TSeries : class
{
    private const int SeriesMax = 500;
    private const int ValueLengthMax = 200;

    private readonly ConcurrentDictionary<string, TSeries> _series = new(StringComparer.Ordinal);

    protected string Name => name;

    public void Write(StringBuilder text)
    {
        if (_series.IsEmpty)
            return;
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {Kind}\n");
        foreach (var (key, series) in _series.OrderBy(item => item.Key, StringComparer.Ordinal))
            Write(text, key, series);
    }

    protected abstract string Kind { get; }

    protected abstract void Write(StringBuilder text, string labelText, TSeries series);

    protected abstract TSeries Create();

    protected TSeries With(params ReadOnlySpan<string> values)
    {
        var key = Render(values);
        if (_series.TryGetValue(key, out var series))
            return series;
        if (_series.Count >= SeriesMax)
            key = Render(Enumerable.Repeat("other", values.Length).ToArray());
        return _series.GetOrAdd(key, static (_, family) => family.Create(), this);
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
    : MetricFamily<Counter.Series>(name, help, labels)
{
    public void Add(params ReadOnlySpan<string> values) => Interlocked.Increment(ref With(values).Value);

    protected override string Kind => "counter";

    protected override Series Create() => new();

    protected override void Write(StringBuilder text, string labelText, Series series) =>
        text.Append(
            CultureInfo.InvariantCulture,
            $"{Name}{{{labelText}}} {Interlocked.Read(ref series.Value)}\n"
        );

    internal sealed class Series
    {
        public long Value;
    }
}

/// <summary>How long things took, in milliseconds.</summary>
internal sealed class Histogram(string name, string help, params string[] labels)
    : MetricFamily<Histogram.Series>(name, help, labels)
{
    private static readonly double[] Bounds =
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

    protected override string Kind => "histogram";

    protected override Series Create() => new();

    protected override void Write(StringBuilder text, string labelText, Series series)
    {
        var (buckets, sum) = series.Read();
        var total = 0L;
        for (var i = 0; i < Bounds.Length; i++)
        {
            total += buckets[i];
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Name}_bucket{{{labelText},le=\"{Bounds[i]}\"}} {total}\n"
            );
        }
        total += buckets[^1];
        text.Append(CultureInfo.InvariantCulture, $"{Name}_bucket{{{labelText},le=\"+Inf\"}} {total}\n");
        text.Append(CultureInfo.InvariantCulture, $"{Name}_sum{{{labelText}}} {sum:0.###}\n");
        text.Append(CultureInfo.InvariantCulture, $"{Name}_count{{{labelText}}} {total}\n");
    }

    internal sealed class Series
    {
        private readonly Lock _gate = new();
        private readonly long[] _buckets = new long[Bounds.Length + 1];
        private double _sum;

        public void Add(double milliseconds)
        {
            var bucket = Array.BinarySearch(Bounds, milliseconds);
            lock (_gate)
            {
                _buckets[bucket < 0 ? ~bucket : bucket]++;
                _sum += milliseconds;
            }
        }

        public (long[] Buckets, double Sum) Read()
        {
            lock (_gate)
                return ([.. _buckets], _sum);
        }
    }
}
