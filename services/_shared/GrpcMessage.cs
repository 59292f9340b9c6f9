using System.Globalization;
using System.Text;

namespace Souk.Shared;

/// <summary>A status's text as gRPC carries it, in the trailer grpc-message.</summary>
internal static class GrpcMessage
{
    /// <summary>
    /// The text's UTF-8 with each byte percent-encoded that is no printable ASCII, and the percent sign.
    /// No more than that, as gRPC asks: some clients undo nothing else.
    /// </summary>
    public static string Encode(string text)
    {
        if (
            !text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%', StringComparison.Ordinal)
        )
            return text;
        var encoded = new StringBuilder();
        foreach (var unit in Encoding.UTF8.GetBytes(text))
        {
            if (unit is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
                encoded.Append((char)unit);
            else
                encoded.Append(CultureInfo.InvariantCulture, $"%{unit:X2}");
        }
        return encoded.ToString();
    }
}
