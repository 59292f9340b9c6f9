using System.Globalization;
using System.Text;

namespace Souk.Shared;

/// <summary>The measurements of one instrument with one set of tags.</summary>
internal sealed class MetricSeries(double[] bounds)
{
    private readonly Lock _gate = new();
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    /// <summary>Counts a value in a histogram.</summary>
    public void Add(double value)
    {
        var at = Array.BinarySearch(bounds, value);
        lock (_gate)
        {
            _counts[at < 0 ? ~at : at]++;
            _sum += value;
        }
    }

    public void Set(double value) => Volatile.Write(ref _sum, value);

    public void Increase(double value)
    {
        lock (_gate)
            _sum += value;
    }

    public void Write(StringBuilder text, string name, string tags)
    {
        lock (_gate)
        {
            if (bounds.Length == 0)
            {
                Line(text, name, tags, _sum);
                return;
            }
            var total = 0L;
            for (var at = 0; at < _counts.Length; at++)
            {
                total += _counts[at];
                var bound = at < bounds.Length ? bounds[at].ToString(CultureInfo.InvariantCulture) : "+Inf";
                var separator = tags.Length == 0 ? "" : ",";
                Line(text, $"{name}_bucket", $"{tags}{separator}le=\"{bound}\"", total);
            }
            Line(text, $"{name}_sum", tags, _sum);
            Line(text, $"{name}_count", tags, total);
        }
    }

    private static void Line(StringBuilder text, string name, string tags, double value)
    {
        text.Append(name);
        if (tags.Length > 0)
            text.Append('{').Append(tags).Append('}');
        text.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
