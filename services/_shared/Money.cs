using System.Globalization;

namespace Souk.Shared;

/// <summary>How a division that leaves a remainder becomes whole minor units.</summary>
public enum Rounding
{
    /// <summary>To the nearest; a half goes away from zero.</summary>
    HalfUp,

    /// <summary>To the nearest; a half goes to the even neighbour.</summary>
    HalfEven,

    /// <summary>Towards zero.</summary>
    Down,

    /// <summary>Away from zero.</summary>
    Up,
}

/// <summary>
/// An exact amount: minor units of one currency. Arithmetic is checked and never mixes currencies; whatever
/// divides names its rounding or sums to the whole.
/// </summary>
public readonly partial record struct Money(long Minor, Currency Currency) : IComparable<Money>
{
    private const int AmountLengthMax = 20;

    /// <summary>Nothing, in a currency.</summary>
    public static Money Zero(Currency currency) => new(0, currency);

    /// <summary>Whether the amount is nothing.</summary>
    public bool IsZero => Minor == 0;

    /// <summary>Whether the amount is below nothing.</summary>
    public bool IsNegative => Minor < 0;

    /// <summary>The sum; both are of one currency.</summary>
    public static Money operator +(Money left, Money right) =>
        new(checked(left.Minor + Same(left, right).Minor), left.Currency);

    /// <summary>The difference; both are of one currency.</summary>
    public static Money operator -(Money left, Money right) =>
        new(checked(left.Minor - Same(left, right).Minor), left.Currency);

    /// <summary>The amount taken several times.</summary>
    public static Money operator *(Money amount, long times) =>
        new(checked(amount.Minor * times), amount.Currency);

    /// <summary>The opposite amount.</summary>
    public static Money operator -(Money amount) => new(checked(-amount.Minor), amount.Currency);

    /// <summary>Less.</summary>
    public static bool operator <(Money left, Money right) => left.CompareTo(right) < 0;

    /// <summary>More.</summary>
    public static bool operator >(Money left, Money right) => left.CompareTo(right) > 0;

    /// <summary>Less or equal.</summary>
    public static bool operator <=(Money left, Money right) => left.CompareTo(right) <= 0;

    /// <summary>More or equal.</summary>
    public static bool operator >=(Money left, Money right) => left.CompareTo(right) >= 0;

    /// <summary>The lesser of two.</summary>
    public static Money Min(Money left, Money right) => left <= right ? left : right;

    /// <summary>The greater of two.</summary>
    public static Money Max(Money left, Money right) => left >= right ? left : right;

    /// <inheritdoc />
    public int CompareTo(Money other) => Minor.CompareTo(Same(this, other).Minor);

    /// <summary>A share of the amount in basis points, hundredths of a percent: 825 is 8.25 %.</summary>
    public Money BasisPoints(long points, Rounding rounding) => Scaled(points, 10_000, rounding);

    /// <summary>A share of the amount in whole percent.</summary>
    public Money Percent(int percent, Rounding rounding) => Scaled(percent, 100, rounding);

    /// <summary>The amount times a fraction.</summary>
    public Money Scaled(long numerator, long denominator, Rounding rounding) =>
        new(checked((long)Divide((Int128)Minor * numerator, denominator, rounding)), Currency);

    /// <summary>
    /// The amount in another currency at an exact rate of numerator/denominator major units.
    /// </summary>
    public Money ConvertTo(Currency target, long numerator, long denominator, Rounding rounding) =>
        new(
            checked(
                (long)Divide(
                    (Int128)Minor * numerator * target.Scale,
                    (Int128)denominator * Currency.Scale,
                    rounding
                )
            ),
            target
        );

    /// <summary>
    /// Splits the amount by weights. The parts sum to the whole: each gets its share rounded towards zero,
    /// and what is left goes one unit at a time to the first parts that have weight.
    /// </summary>
    public Money[] Allocate(params ReadOnlySpan<long> weights)
    {
        Int128 total = 0;
        foreach (var weight in weights)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(weight, nameof(weights));
            total += weight;
        }
        if (total == 0)
            throw new ArgumentException("At least one weight must be positive.", nameof(weights));
        var parts = new Money[weights.Length];
        var left = Minor;
        for (var i = 0; i < weights.Length; i++)
        {
            var share = (long)((Int128)Minor * weights[i] / total);
            parts[i] = new Money(share, Currency);
            left -= share;
        }
        var unit = Math.Sign(left);
        // Fewer units are left than there are parts with weight: each lost less than one to rounding.
        for (var i = 0; left != 0; i++)
        {
            if (weights[i] == 0)
                continue;
            parts[i] = new Money(parts[i].Minor + unit, Currency);
            left -= unit;
        }
        return parts;
    }

    /// <summary>The decimal text, with all decimals of the currency: 1234 USD is "12.34".</summary>
    public string ToDecimalText()
    {
        var whole = Int128.DivRem(Minor, Currency.Scale);
        if (Currency.Exponent == 0)
            return whole.Quotient.ToString(CultureInfo.InvariantCulture);
        var sign = Minor < 0 ? "-" : "";
        var units = Int128.Abs(whole.Quotient).ToString(CultureInfo.InvariantCulture);
        var decimals = Int128.Abs(whole.Remainder).ToString(CultureInfo.InvariantCulture);
        return $"{sign}{units}.{decimals.PadLeft(Currency.Exponent, '0')}";
    }

    /// <inheritdoc />
    public override string ToString() => $"{ToDecimalText()} {Currency.Code}";

    /// <summary>
    /// Reads decimal text such as "-12.30"; false when it is no number or has decimals that the currency
    /// lacks.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, Currency currency, out Money money)
    {
        money = Zero(currency);
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (text.Length is 0 or > AmountLengthMax)
            return false;
        if (!decimal.TryParse(text, style, CultureInfo.InvariantCulture, out var value))
            return false;
        // Twenty characters times the largest scale stay far below what decimal holds.
        var minor = value * currency.Scale;
        if (minor != decimal.Truncate(minor) || minor is < long.MinValue or > long.MaxValue)
            return false;
        money = new Money((long)minor, currency);
        return true;
    }

    private static Int128 Divide(Int128 value, Int128 divisor, Rounding rounding)
    {
        var (quotient, remainder) = Int128.DivRem(value, divisor);
        if (remainder == 0)
            return quotient;
        var away = (Int128)(Int128.IsNegative(value) == Int128.IsNegative(divisor) ? 1 : -1);
        var half = Int128.Abs(remainder) * 2 - Int128.Abs(divisor);
        var up = rounding switch
        {
            Rounding.Down => false,
            Rounding.Up => true,
            Rounding.HalfUp => half >= 0,
            Rounding.HalfEven => half > 0 || (half == 0 && !Int128.IsEvenInteger(quotient)),
            _ => throw new ArgumentOutOfRangeException(nameof(rounding)),
        };
        return up ? quotient + away : quotient;
    }

    private static Money Same(Money left, Money right)
    {
        Invariant.That(left.Currency == right.Currency, "amounts of different currencies never meet");
        return right;
    }
}
