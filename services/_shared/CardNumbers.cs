using System.Runtime.InteropServices;

namespace Souk.Shared;

/// <summary>Recognises card numbers in what people type, so that none is stored, logged or sent on
/// (PAY-12).</summary>
public static class CardNumbers
{
    private const int DigitsMin = 12;
    private const int DigitsMax = 19;

    /// <summary>Whether groups of digits in the text, with single spaces or dashes between, together have a
    /// card number's length and pass the Luhn check.</summary>
    public static bool Appears(string text)
    {
        var digits = new List<int>();
        var groups = new List<int>(); // where each begins in the digits
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsAsciiDigit(text[i]))
            {
                if (i == 0 || !char.IsAsciiDigit(text[i - 1]))
                    groups.Add(digits.Count);
                digits.Add(text[i] - '0');
            }
            else if (!IsGap(text, i))
            {
                if (HasNumber(digits, groups))
                    return true;
                digits.Clear();
                groups.Clear();
            }
        }

        return HasNumber(digits, groups);
    }

    private static bool IsGap(string text, int i) =>
        text[i] is ' ' or '-'
        && i > 0
        && i < text.Length - 1
        && char.IsAsciiDigit(text[i - 1])
        && char.IsAsciiDigit(text[i + 1]);

    // Other numbers may stand before and behind. A group too many digits long is no card number, though one
    // could be cut out of it.
    private static bool HasNumber(List<int> digits, List<int> groups)
    {
        var all = CollectionsMarshal.AsSpan(digits);
        for (var first = 0; first < groups.Count; first++)
        {
            for (var last = first; last < groups.Count; last++)
            {
                var end = last + 1 < groups.Count ? groups[last + 1] : digits.Count;
                var length = end - groups[first];
                if (length > DigitsMax)
                    break;
                if (length >= DigitsMin && PassesLuhn(all[groups[first]..end]))
                    return true;
            }
        }

        return false;
    }

    private static bool PassesLuhn(ReadOnlySpan<int> digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var worth = i % 2 == 0 ? digits[^(i + 1)] : digits[^(i + 1)] * 2;
            sum += worth > 9 ? worth - 9 : worth;
        }

        return sum % 10 == 0;
    }
}
