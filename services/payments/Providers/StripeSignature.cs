using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Souk.Payments.Providers;

/// <summary>
/// Checks the Stripe-Signature header: "t=seconds,v1=hex[,v1=hex]", each v1 an HMAC-SHA256 of "t.body" under
/// the webhook's secret. Several come while a secret is rotated.
/// </summary>
internal static class StripeSignature
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>Whether the body was signed with the secret within the last five minutes.</summary>
    public static bool Fits(ReadOnlySpan<byte> body, string header, string secret, DateTimeOffset now)
    {
        var parts = header
            .Split(',', StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2))
            .ToList();
        var time = parts.FirstOrDefault(part => part is ["t", _])?[1];
        if (
            secret.Length == 0
            || !long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds > now.AddDays(1).ToUnixTimeSeconds()
            || (now - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() > Tolerance
        )
        {
            return false;
        }

        var signed = new byte[Encoding.UTF8.GetByteCount(time) + 1 + body.Length];
        var length = Encoding.UTF8.GetBytes(time, signed);
        signed[length] = (byte)'.';
        body.CopyTo(signed.AsSpan(length + 1));
        var expected = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed));
        return parts.Any(part =>
            part is ["v1", var signature]
            && CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(signature),
                Encoding.UTF8.GetBytes(expected)
            )
        );
    }
}
