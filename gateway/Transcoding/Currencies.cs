using Souk.Shared;

namespace Souk.Gateway.Transcoding;

/// <summary>The decimals of currencies, found from a code's bytes without making a string.</summary>
internal static class Currencies
{
    /// <summary>Most decimals that any currency has.</summary>
    public const int ExponentMax = 4;

    /// <summary>Written where a message names no currency we know, so that reading never fails.</summary>
    public const int ExponentDefault = 2;

    private const int AmountBytesMax = 20;
    private const byte AmountTag = (3 << 3) | (byte)WireType.Length;
    private const int Letters = 26;
    private const sbyte Unknown = -1;

    // By the three letters: the exponent plus one, or 0 while nobody asked.
    private static readonly sbyte[] Exponents = new sbyte[Letters * Letters * Letters];

    /// <summary>Null for what is no ISO 4217 code.</summary>
    public static int? ExponentOf(ReadOnlySpan<byte> code)
    {
        if (code.Length != 3 || code.IndexOfAnyExceptInRange((byte)'A', (byte)'Z') >= 0)
            return null;
        var slot = ((((code[0] - 'A') * Letters) + code[1] - 'A') * Letters) + code[2] - 'A';
        if (Exponents[slot] == 0)
        {
            var text = System.Text.Encoding.ASCII.GetString(code);
            Exponents[slot] = Currency.IsKnown(text) ? (sbyte)(Currency.Of(text).Exponent + 1) : Unknown;
        }
        return Exponents[slot] == Unknown ? null : Exponents[slot] - 1;
    }

    /// <summary>
    /// Writes a bare number as the Money whose currency the service will add. False for more decimals than
    /// any currency has, or a number that cannot fit.
    /// </summary>
    public static bool TryWriteAmount(ReadOnlySpan<byte> number, PooledBuffer wire)
    {
        var hasExponent = number.IndexOfAny((byte)'e', (byte)'E') >= 0;
        if (
            !DecimalText.TryScale(number, ExponentMax, out var scaled)
            || scaled < long.MinValue
            || scaled > long.MaxValue
        )
            return false;
        Span<byte> text = stackalloc byte[32];
        wire.Varint(AmountTag);
        wire.Bytes(
            hasExponent || number.Length > AmountBytesMax ? text[..Shortest((long)scaled, text)] : number
        );
        return true;
    }

    // Without the zeros that only the widest currency would need.
    private static int Shortest(long scaled, Span<byte> text)
    {
        var exponent = ExponentMax;
        for (; exponent > 0 && scaled % 10 == 0; exponent--)
            scaled /= 10;
        return DecimalText.Format(scaled, exponent, text);
    }
}
