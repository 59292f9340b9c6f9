using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Souk.Shared;

/// <summary>One instrument's measurements: a number, or a histogram, for each set of tags.</summary>
internal sealed class MetricFamily
{
    /// <summary>Sets of tags that are told apart; what comes beyond is counted together.</summary>
    private const int SeriesMax = 2000;

    private static readonly double[] Sizes =
    [
        64,
        256,
        1024,
        4096,
        16_384,
        65_536,
        262_144,
        1_048_576,
        4_194_304,
    ];

    // Steps of about one and a half: a percentile read off them is that exact.
    private static readonly double[] Milliseconds =
    [
        0.25,
        0.5,
        0.75,
        1,
        1.5,
        2,
        3,
        5,
        7.5,
        10,
        15,
        20,
        30,
        50,
        75,
        100,
        150,
        200,
        300,
        500,
        750,
        1000,
        1500,
        2000,
        3000,
        5000,
        10_000,
        30_000,
    ];

    private readonly ConcurrentDictionary<MetricTags, MetricSeries> _series = new(MetricTags.Comparer);
    private readonly Instrument _instrument;
    private readonly string _type;
    private readonly double[] _bounds = [];
    private readonly bool _isObserved;
    private readonly bool _isTotal;

    public MetricFamily(Instrument instrument)
    {
        _instrument = instrument;
        var kind = instrument.GetType().Name;
        _isObserved = kind.StartsWith("Observable", StringComparison.Ordinal);
        _isTotal = kind.Contains("Counter", StringComparison.Ordinal) && !kind.Contains("UpDown");
        var isHistogram = kind.StartsWith("Histogram", StringComparison.Ordinal);
        if (isHistogram)
            _bounds = instrument.Unit switch
            {
                "By" => Sizes,
                "s" => [.. Milliseconds.Select(ms => ms / 1000)],
                _ => Milliseconds,
            };
        _type =
            isHistogram ? "histogram"
            : _isTotal ? "counter"
            : "gauge";
        Name = NameOf(instrument, _isTotal);
    }

    /// <summary>The name with its unit, as Prometheus writes names.</summary>
    public string Name { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var lookup = _series.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();
        if (!lookup.TryGetValue(tags, out var series))
        {
            var key = _series.Count < SeriesMax ? new MetricTags(tags) : MetricTags.Others;
            series = _series.GetOrAdd(key, _ => new MetricSeries(_bounds));
        }
        if (_bounds.Length > 0)
            series.Add(value);
        else if (_isObserved || !IsAdded)
            series.Set(value);
        else
            series.Increase(value);
    }

    /// <summary>What is observed is asked anew each time; what is not said again is gone.</summary>
    public void Forget()
    {
        if (_isObserved)
            _series.Clear();
    }

    public void WriteHead(StringBuilder text)
    {
        if (_instrument.Description is { Length: > 0 } description)
            text.Append(
                CultureInfo.InvariantCulture,
                $"# HELP {Name} {description.ReplaceLineEndings(" ")}\n"
            );
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {Name} {_type}\n");
    }

    public void Write(StringBuilder text)
    {
        foreach (var (tags, series) in _series)
            series.Write(text, Name, tags.Text);
    }

    private bool IsAdded =>
        _isTotal || _instrument.GetType().Name.StartsWith("UpDown", StringComparison.Ordinal);

    private static string NameOf(Instrument instrument, bool isTotal)
    {
        var unit = instrument.Unit switch
        {
            "ms" => "_milliseconds",
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        var letters = instrument.Name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_');
        return string.Concat(letters) + unit + (isTotal ? "_total" : "");
    }
}
