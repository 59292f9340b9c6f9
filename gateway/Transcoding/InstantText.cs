using System.Buffers.Text;

namespace Souk.Gateway.Transcoding;

/// <summary>RFC 3339 instants and proto3 durations as text, to the nanosecond.</summary>
internal static class InstantText
{
    /// <summary>Longest text of an instant or a duration.</summary>
    public const int BytesMax = 40;

    private const int NanosPerSecond = 1_000_000_000;
    private const int FractionDigitsMax = 9;
    private const long DurationSecondsMax = 315_576_000_000;
    private static readonly long SecondsMin = SecondsOf(DateTime.MinValue);
    private static readonly long SecondsMax = SecondsOf(DateTime.MaxValue);

    /// <summary>
    /// Reads an instant such as 2026-08-01T09:30:00.5+02:00; a bare date is its midnight in UTC.
    /// </summary>
    public static bool TryParseInstant(ReadOnlySpan<byte> text, out long seconds, out int nanos)
    {
        (seconds, nanos) = (0, 0);
        if (!TryParseDate(text, out var date))
            return false;
        seconds = SecondsOf(date);
        if (text.Length == 10)
            return true;
        if (text[10] != 'T' || !TryParseTime(text[11..], out var timeOfDay, out var rest))
            return false;
        seconds += timeOfDay;
        return TryParseFraction(ref rest, out nanos)
            && TryParseOffset(rest, out var offset)
            && (seconds -= offset) >= SecondsMin
            && seconds <= SecondsMax;
    }

    /// <summary>
    /// Writes an instant in UTC with 0, 3, 6 or 9 digits of a second's fraction; returns the length.
    /// </summary>
    public static int FormatInstant(long seconds, int nanos, Span<byte> text)
    {
        if (seconds < SecondsMin || seconds > SecondsMax || nanos is < 0 or >= NanosPerSecond)
            throw new InvalidDataException("The instant is out of range.");
        var instant = DateTime.UnixEpoch.AddSeconds(seconds);
        instant.TryFormat(text, out var length, "s", System.Globalization.CultureInfo.InvariantCulture);
        length += FormatFraction(nanos, text[length..]);
        text[length] = (byte)'Z';
        return length + 1;
    }

    /// <summary>Reads a duration such as -1.5s.</summary>
    public static bool TryParseDuration(ReadOnlySpan<byte> text, out long seconds, out int nanos)
    {
        (seconds, nanos) = (0, 0);
        var isNegative = text.StartsWith("-"u8);
        var rest = isNegative ? text[1..] : text;
        if (
            rest.IsEmpty
            || !char.IsAsciiDigit((char)rest[0])
            || !Utf8Parser.TryParse(rest, out seconds, out var digits)
            || seconds > DurationSecondsMax
        )
            return false;
        rest = rest[digits..];
        if (!TryParseFraction(ref rest, out nanos) || !rest.SequenceEqual("s"u8))
            return false;
        (seconds, nanos) = isNegative ? (-seconds, -nanos) : (seconds, nanos);
        return true;
    }

    public static int FormatDuration(long seconds, int nanos, Span<byte> text)
    {
        var isMixed = (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0);
        if (
            isMixed
            || Math.Abs(nanos) >= NanosPerSecond
            || seconds is < -DurationSecondsMax or > DurationSecondsMax
        )
            throw new InvalidDataException("The duration is out of range.");
        var length = 0;
        if (seconds < 0 || nanos < 0)
            text[length++] = (byte)'-';
        Utf8Formatter.TryFormat(Math.Abs(seconds), text[length..], out var written);
        length += written;
        length += FormatFraction(Math.Abs(nanos), text[length..]);
        text[length] = (byte)'s';
        return length + 1;
    }

    private static bool TryParseDate(ReadOnlySpan<byte> text, out DateTime date)
    {
        date = default;
        if (text.Length < 10 || text[4] != '-' || text[7] != '-')
            return false;
        var (year, month, day) = (Digits(text[..4]), Digits(text[5..7]), Digits(text[8..10]));
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month))
            return false;
        date = new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc);
        return true;
    }

    private static bool TryParseTime(ReadOnlySpan<byte> text, out int seconds, out ReadOnlySpan<byte> rest)
    {
        seconds = 0;
        rest = default;
        if (text.Length < 8 || text[2] != ':' || text[5] != ':')
            return false;
        var (hour, minute, second) = (Digits(text[..2]), Digits(text[3..5]), Digits(text[6..8]));
        seconds = (((hour * 60) + minute) * 60) + second;
        rest = text[8..];
        return hour is >= 0 and < 24 && minute is >= 0 and < 60 && second is >= 0 and < 60;
    }

    private static bool TryParseFraction(ref ReadOnlySpan<byte> text, out int nanos)
    {
        nanos = 0;
        if (!text.StartsWith("."u8))
            return true;
        var end = text[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        var digits = end < 0 ? text[1..] : text.Slice(1, end);
        if (digits.Length is 0 or > FractionDigitsMax)
            return false;
        nanos = Digits(digits);
        for (var digit = digits.Length; digit < FractionDigitsMax; digit++)
            nanos *= 10;
        text = text[(1 + digits.Length)..];
        return true;
    }

    private static bool TryParseOffset(ReadOnlySpan<byte> text, out int seconds)
    {
        seconds = 0;
        if (text.Length == 1)
            return text[0] is (byte)'Z';
        if (text.Length != 6 || text[0] is not ((byte)'+' or (byte)'-') || text[3] != ':')
            return false;
        var (hours, minutes) = (Digits(text[1..3]), Digits(text[4..6]));
        seconds = ((hours * 60) + minutes) * (text[0] == '-' ? -60 : 60);
        return hours is >= 0 and < 24 && minutes is >= 0 and < 60;
    }

    private static int FormatFraction(int nanos, Span<byte> text)
    {
        if (nanos == 0)
            return 0;
        var digits =
            nanos % 1_000_000 == 0 ? 3
            : nanos % 1_000 == 0 ? 6
            : 9;
        text[0] = (byte)'.';
        for (var digit = FractionDigitsMax; digit > 0; digit--, nanos /= 10)
        {
            if (digit <= digits)
                text[digit] = (byte)('0' + (nanos % 10));
        }
        return 1 + digits;
    }

    // -1 for anything but digits: negative values fail every range check above.
    private static int Digits(ReadOnlySpan<byte> text)
    {
        var value = 0;
        foreach (var character in text)
        {
            if (!char.IsAsciiDigit((char)character))
                return -1;
            value = (value * 10) + (character - '0');
        }
        return value;
    }

    private static long SecondsOf(DateTime instant) =>
        (instant.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond;
}
