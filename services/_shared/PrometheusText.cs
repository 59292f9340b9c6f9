using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Souk.Shared;

/// <summary>
/// Collects the measurements of some meters and writes them in Prometheus' text format, version 0.0.4.
/// Depends on nothing but the runtime, so that any process can link it.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    /// <summary>The format's media type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, MetricFamily> _families = new();

    /// <summary>Starts to collect.</summary>
    /// <param name="meters">Names of the meters; a name that ends with "*" takes all that start so.</param>
    public PrometheusText(params IReadOnlyList<string> meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (meters.Any(name => Matches(name, instrument.Meter.Name)))
                listener.EnableMeasurementEvents(instrument, Family(instrument));
        };
        _listener.SetMeasurementEventCallback<long>(Take);
        _listener.SetMeasurementEventCallback<int>(Take);
        _listener.SetMeasurementEventCallback<double>(Take);
        _listener.Start();
    }

    /// <summary>All that was measured so far.</summary>
    public string Write()
    {
        foreach (var family in _families.Values)
            family.Forget();
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var same in _families.Values.GroupBy(family => family.Name).OrderBy(group => group.Key))
        {
            same.First().WriteHead(text);
            foreach (var family in same)
                family.Write(text);
        }
        return text.ToString();
    }

    /// <inheritdoc />
    public void Dispose() => _listener.Dispose();

    private MetricFamily Family(Instrument instrument) =>
        _families.GetOrAdd(instrument, static key => new MetricFamily(key));

    private static void Take<T>(
        Instrument instrument,
        T measurement,
        ReadOnlySpan<KeyValuePair<string, object?>> tags,
        object? state
    )
        where T : struct, IConvertible =>
        (state as MetricFamily)?.Record(measurement.ToDouble(CultureInfo.InvariantCulture), tags);

    private static bool Matches(string pattern, string name) =>
        pattern.EndsWith('*')
            ? name.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
            : name == pattern;
}
