using System.Collections.Frozen;

namespace Souk.Shared;

/// <summary>An ISO 4217 currency and how many decimals its minor unit has.</summary>
public sealed record Currency
{
    private static readonly FrozenDictionary<string, Currency> All = Table().ToFrozenDictionary(c => c.Code);

    private Currency(string code, int exponent)
    {
        Code = code;
        Exponent = exponent;
        var scale = 1L;
        for (var i = 0; i < exponent; i++)
            scale *= 10;
        Scale = scale;
    }

    /// <summary>Three capital letters, such as "USD".</summary>
    public string Code { get; }

    /// <summary>Decimals of the minor unit: USD 2, JPY 0, BHD 3.</summary>
    public int Exponent { get; }

    /// <summary>Minor units in one major unit: 10 to the power of the exponent.</summary>
    public long Scale { get; }

    /// <summary>The currency of a code that we stored ourselves.</summary>
    public static Currency Of(string code) =>
        All.GetValueOrDefault(code)
        ?? throw new ArgumentException($"{code} is not an ISO 4217 code.", nameof(code));

    /// <summary>The currency of a code that a caller sent; INVALID_ARGUMENT when there is none.</summary>
    public static Currency Parse(string code, string field) =>
        All.GetValueOrDefault(code)
        ?? throw Fault.InvalidArgument(field, "must be an ISO 4217 code such as USD");

    /// <summary>Whether the code is known.</summary>
    public static bool IsKnown(string code) => All.ContainsKey(code);

    /// <inheritdoc />
    public override string ToString() => Code;

    private static IEnumerable<Currency> Table()
    {
        const string none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
        const string two =
            "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
            + "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
            + "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
            + "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
            + "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
            + "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST "
            + "XCD XCG YER ZAR ZMW ZWG";
        const string three = "BHD IQD JOD KWD LYD OMR TND";
        const string four = "CLF UYW";
        string[] byExponent = [none, "", two, three, four]; // no currency has one decimal
        for (var exponent = 0; exponent < byExponent.Length; exponent++)
        {
            foreach (var code in byExponent[exponent].Split(' ', StringSplitOptions.RemoveEmptyEntries))
                yield return new Currency(code, exponent);
        }
    }
}
