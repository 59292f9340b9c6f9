using System.Buffers.Text;

namespace Souk.Gateway.Transcoding;

/// <summary>Decimal text to integers and back, exactly: no floating point ever touches an amount.</summary>
internal static class DecimalText
{
    /// <summary>Longest text considered; a JSON number has no limit of its own.</summary>
    private const int TextBytesMax = 64;

    /// <summary>A power of ten past this turns any digits but zeros into an overflow or a fraction.</summary>
    private const int PowerMax = 10_000;

    /// <summary>Whether the text is a number as JSON writes it.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> text)
    {
        var rest = text.StartsWith("-"u8) ? text[1..] : text;
        var whole = DigitsIn(rest);
        if (whole == 0 || (whole > 1 && rest[0] == '0'))
            return false;
        rest = rest[whole..];
        if (rest.StartsWith("."u8))
        {
            var fraction = DigitsIn(rest[1..]);
            if (fraction == 0)
                return false;
            rest = rest[(1 + fraction)..];
        }
        if (rest.IsEmpty)
            return true;
        if (rest[0] is not ((byte)'e' or (byte)'E'))
            return false;
        rest = rest[1..];
        if (!rest.IsEmpty && rest[0] is (byte)'+' or (byte)'-')
            rest = rest[1..];
        return !rest.IsEmpty && DigitsIn(rest) == rest.Length;
    }

    /// <summary>
    /// The number times ten to the scale, when that is whole: "999.99" at scale 2 is 99999. The text must be
    /// <see cref="IsNumber">a number</see>. False too when it does not fit.
    /// </summary>
    public static bool TryScale(ReadOnlySpan<byte> number, int scale, out Int128 scaled)
    {
        scaled = 0;
        if (number.Length > TextBytesMax)
            return false;
        var isNegative = number[0] == '-';
        var mantissaEnd = number.IndexOfAny((byte)'e', (byte)'E');
        var mantissa = mantissaEnd < 0 ? number : number[..mantissaEnd];
        var power = scale + (mantissaEnd < 0 ? 0 : PowerOf(number[(mantissaEnd + 1)..]));
        Int128 digits = 0;
        var isFraction = false;
        foreach (var character in mantissa[(isNegative ? 1 : 0)..])
        {
            if (character == '.')
            {
                isFraction = true;
                continue;
            }
            if (digits > long.MaxValue)
                return false;
            digits = (digits * 10) + (character - '0');
            power -= isFraction ? 1 : 0;
        }
        return TryShift(ref digits, power) && Assign(isNegative ? -digits : digits, out scaled);
    }

    /// <summary>
    /// Writes minor units with exactly the digits that the exponent asks for; returns the length.
    /// </summary>
    public static int Format(long minorUnits, int exponent, Span<byte> text)
    {
        var position = 0;
        if (minorUnits < 0)
            text[position++] = (byte)'-';
        var magnitude = minorUnits < 0 ? 0ul - (ulong)minorUnits : (ulong)minorUnits;
        var unit = 1ul;
        for (var digit = 0; digit < exponent; digit++)
            unit *= 10;
        Utf8Formatter.TryFormat(magnitude / unit, text[position..], out var written);
        position += written;
        if (exponent == 0)
            return position;
        text[position++] = (byte)'.';
        var fraction = magnitude % unit;
        for (var digit = exponent - 1; digit >= 0; digit--, fraction /= 10)
            text[position + digit] = (byte)('0' + (fraction % 10));
        return position + exponent;
    }

    private static bool TryShift(ref Int128 digits, int power)
    {
        if (digits == 0)
            return true;
        for (; power > 0; power--)
        {
            if (digits > ulong.MaxValue)
                return false;
            digits *= 10;
        }
        for (; power < 0; power++)
        {
            if (digits % 10 != 0)
                return false;
            digits /= 10;
        }
        return true;
    }

    private static bool Assign(Int128 value, out Int128 target)
    {
        target = value;
        return true;
    }

    private static int PowerOf(ReadOnlySpan<byte> exponent)
    {
        var isNegative = exponent[0] == '-';
        var digits = exponent[0] is (byte)'+' or (byte)'-' ? exponent[1..] : exponent;
        var isSmall = Utf8Parser.TryParse(digits, out int power, out _) && power < PowerMax;
        return (isSmall ? power : PowerMax) * (isNegative ? -1 : 1);
    }

    private static int DigitsIn(ReadOnlySpan<byte> text)
    {
        var other = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return other < 0 ? text.Length : other;
    }
}
