namespace Souk.Payments;

/// <summary>Recognises card numbers, so that none is ever stored or logged here (PAY-12).</summary>
internal static class CardNumbers
{
    private const int DigitsMin = 12;
    private const int DigitsMax = 19;

    /// <summary>Whether the text is digits, perhaps with spaces or dashes, that pass the Luhn
    /// check.</summary>
    public static bool Looks(string text)
    {
        if (text.Any(letter => !char.IsAsciiDigit(letter) && letter is not (' ' or '-')))
            return false;
        var digits = text.Where(char.IsAsciiDigit).Select(digit => digit - '0').ToArray();
        if (digits.Length is < DigitsMin or > DigitsMax)
            return false;
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var doubled = i % 2 == 0 ? digits[^(i + 1)] : digits[^(i + 1)] * 2;
            sum += doubled > 9 ? doubled - 9 : doubled;
        }

        return sum % 10 == 0;
    }
}
