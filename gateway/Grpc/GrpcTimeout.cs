using System.Globalization;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Grpc;

/// <summary>The deadline that a gRPC client sends along: up to eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    private const string Header = "grpc-timeout";
    private const int DigitsMax = 8;

    /// <summary>
    /// What the caller gives the call, at most the longest; the usual where it says nothing.
    /// </summary>
    public static TimeSpan Of(IHeaderDictionary headers, TimeSpan usual, TimeSpan longest)
    {
        if (headers[Header] is not [{ } text])
            return usual;
        var asked = Parse(text) ?? throw BadRequestException.Invalid(Header, "must be a number and a unit");
        return asked < longest ? asked : longest;
    }

    private static TimeSpan? Parse(string text)
    {
        if (text.Length is < 2 or > DigitsMax + 1)
            return null;
        if (!int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return null;
        return text[^1] switch
        {
            'H' => TimeSpan.FromHours(count),
            'M' => TimeSpan.FromMinutes(count),
            'S' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMilliseconds(count),
            'u' => TimeSpan.FromMicroseconds(count),
            'n' => TimeSpan.FromTicks((long)(count / TimeSpan.NanosecondsPerTick)),
            _ => null,
        };
    }
}
