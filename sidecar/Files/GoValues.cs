using System.Buffers;
using System.Globalization;

namespace Souk.Sidecar.Files;

/// <summary>Values as Go spells them, because Dapr's files are written for a Go program.</summary>
internal static class GoValues
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    /// <summary>
    /// Reads "1h30m", "1.5s", "250ms"; a plain number counts in <paramref name="plainUnit"/>. "0" is zero
    /// whatever the unit.
    /// </summary>
    public static bool TryDuration(string text, TimeSpan plainUnit, out TimeSpan value)
    {
        value = TimeSpan.Zero;
        var rest = text.AsSpan().Trim();
        if (double.TryParse(rest, NumberStyles.Float, CultureInfo.InvariantCulture, out var plain))
        {
            value = plainUnit * plain;
            return true;
        }
        var negative = rest.StartsWith("-");
        if (negative)
            rest = rest[1..];
        if (rest.IsEmpty)
            return false;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            if (digits <= 0)
                return false;
            if (
                !double.TryParse(
                    rest[..digits],
                    NumberStyles.Float,
                    CultureInfo.InvariantCulture,
                    out var number
                )
            )
                return false;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(Digits);
            var unit = UnitOf(letters < 0 ? rest : rest[..letters]);
            if (unit is null)
                return false;
            value += unit.Value * number;
            rest = letters < 0 ? [] : rest[letters..];
        }
        if (negative)
            value = -value;
        return true;
    }

    /// <summary>A duration as Go prints it: 1m30s, 500ms.</summary>
    public static string Text(TimeSpan value)
    {
        if (value < TimeSpan.FromSeconds(1))
            return string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds:0.###}ms");
        var hours = (long)value.TotalHours;
        var seconds = (decimal)(value.Ticks % TimeSpan.TicksPerMinute) / TimeSpan.TicksPerSecond;
        var text = string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#######}s");
        if (value >= TimeSpan.FromMinutes(1))
            text = $"{value.Minutes}m{text}";
        return hours > 0 ? $"{hours}h{text}" : text;
    }

    /// <summary>
    /// A truth value as Go's own parser reads it, which Dapr uses for requests and subscriptions.
    /// </summary>
    public static bool TryBool(string text, out bool value)
    {
        value = text is "true" or "True" or "TRUE" or "t" or "T" or "1";
        return value || text is "false" or "False" or "FALSE" or "f" or "F" or "0";
    }

    /// <summary>A truth value as Dapr reads it in component metadata, which is more lenient.</summary>
    public static bool TryFlag(string text, out bool value)
    {
        value = text.ToUpperInvariant() is "TRUE" or "T" or "YES" or "Y" or "ON" or "1";
        return value || text.ToUpperInvariant() is "FALSE" or "F" or "NO" or "N" or "OFF" or "0" or "";
    }

    private static TimeSpan? UnitOf(ReadOnlySpan<char> unit) =>
        unit switch
        {
            "ns" => TimeSpan.FromTicks(1) / 100,
            "us" or "µs" => TimeSpan.FromMicroseconds(1),
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            _ => null,
        };
}
