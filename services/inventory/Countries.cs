using System.Collections.Frozen;
using System.Globalization;

namespace Souk.Inventory;

/// <summary>A point on the globe: degrees north and east.</summary>
internal sealed record Place(double Latitude, double Longitude);

/// <summary>Where countries are, roughly: whole degrees are enough to tell which warehouse is near.</summary>
internal static class Countries
{
    private const string Table = """
        AD 43 2, AE 24 54, AF 34 66, AL 41 20, AM 40 45, AO -12 18, AR -34 -64, AT 47 14, AU -25 134,
        AZ 40 48, BA 44 18, BD 24 90, BE 51 4, BF 12 -2, BG 43 25, BH 26 51, BI -3 30, BJ 9 2, BN 5 115,
        BO -17 -65, BR -10 -52, BT 27 90, BW -22 24, BY 54 28, BZ 17 -89, CA 57 -106, CD -3 24, CF 7 21,
        CG -1 15, CH 47 8, CI 8 -6, CL -36 -71, CM 6 13, CN 36 104, CO 4 -73, CR 10 -84, CU 22 -79,
        CY 35 33, CZ 50 15, DE 51 10, DJ 12 43, DK 56 10, DO 19 -71, DZ 28 3, EC -1 -78, EE 59 25,
        EG 27 30, ER 15 39, ES 40 -4, ET 9 40, FI 64 26, FJ -18 178, FR 47 2, GA -1 12, GB 54 -2,
        GE 42 43, GH 8 -1, GM 13 -15, GN 10 -11, GQ 2 10, GR 39 22, GT 16 -90, GW 12 -15, GY 5 -59,
        HK 22 114, HN 15 -87, HR 45 16, HT 19 -73, HU 47 20, ID -2 118, IE 53 -8, IL 31 35, IN 22 79,
        IQ 33 44, IR 32 54, IS 65 -19, IT 43 12, JM 18 -77, JO 31 36, JP 36 138, KE 0 38, KG 41 75,
        KH 13 105, KR 36 128, KW 29 48, KZ 48 67, LA 18 104, LB 34 36, LI 47 10, LK 8 81, LR 6 -9,
        LS -30 28, LT 55 24, LU 50 6, LV 57 25, LY 27 18, MA 32 -6, MC 44 7, MD 47 29, ME 43 19,
        MG -19 47, MK 42 22, ML 17 -4, MM 21 97, MN 47 103, MO 22 114, MR 20 -10, MT 36 14, MU -20 58,
        MV 3 73, MW -13 34, MX 24 -102, MY 4 109, MZ -17 35, NA -22 17, NE 17 9, NG 9 8, NI 13 -85,
        NL 52 5, NO 65 13, NP 28 84, NZ -41 172, OM 21 56, PA 8 -80, PE -9 -75, PG -6 145, PH 12 123,
        PK 30 69, PL 52 19, PR 18 -66, PS 32 35, PT 40 -8, PY -23 -58, QA 25 51, RO 46 25, RS 44 21,
        RU 60 97, RW -2 30, SA 24 45, SD 16 30, SE 63 17, SG 1 104, SI 46 15, SK 49 20, SL 9 -12,
        SM 44 12, SN 14 -14, SO 5 46, SR 4 -56, SS 7 30, SV 14 -89, SY 35 38, SZ -27 31, TD 15 19,
        TG 9 1, TH 15 101, TJ 39 71, TM 39 59, TN 34 10, TR 39 35, TT 10 -61, TW 24 121, TZ -6 35,
        UA 49 31, UG 1 32, US 40 -99, UY -33 -56, UZ 42 63, VE 7 -66, VN 16 106, YE 16 48, ZA -29 25,
        ZM -13 28, ZW -19 30
        """;

    private static readonly FrozenDictionary<string, Place> Middles = Table
        .Split(',', StringSplitOptions.TrimEntries)
        .Select(entry => entry.Split(' '))
        .ToFrozenDictionary(entry => entry[0], entry => new Place(Degrees(entry[1]), Degrees(entry[2])));

    /// <summary>
    /// The middle of a country by its ISO 3166-1 alpha-2 code; null when it is not in the table.
    /// </summary>
    internal static Place? MiddleOf(string country) => Middles.GetValueOrDefault(country);

    private static double Degrees(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
