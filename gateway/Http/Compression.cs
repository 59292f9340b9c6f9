using System.IO.Compression;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Http;

/// <summary>
/// Shrinks a response for callers that ask for it, where it is large enough to be worth the time.
/// </summary>
internal static class Compression
{
    private const int WorthwhileBytes = 1400;

    // Three quarters of the gain of the best level at a tenth of its time.
    private const int BrotliQuality = 4;
    private const int BrotliWindow = 20;

    /// <summary>The encoding's name.</summary>
    public const string Encoding = "br";

    /// <summary>Whether a caller takes what was compressed before.</summary>
    public static bool Accepts(string acceptEncoding) => Accepts(acceptEncoding, Encoding);

    /// <summary>Returns the encoding's name and fills the target; null to send the body as it is.</summary>
    public static string? TryCompress(string acceptEncoding, ReadOnlySpan<byte> body, PooledBuffer target)
    {
        if (body.Length < WorthwhileBytes || !Accepts(acceptEncoding))
            return null;
        var space = target.GetSpan(BrotliEncoder.GetMaxCompressedLength(body.Length));
        if (!BrotliEncoder.TryCompress(body, space, out var written, BrotliQuality, BrotliWindow))
            return null;
        target.Advance(written);
        return Encoding;
    }

    /// <summary>Whether the header names the encoding and does not forbid it.</summary>
    public static bool Accepts(string acceptEncoding, string name)
    {
        foreach (var range in acceptEncoding.AsSpan().Split(','))
        {
            var entry = acceptEncoding.AsSpan(range).Trim();
            var end = entry.IndexOf(';');
            var coding = end < 0 ? entry : entry[..end].TrimEnd();
            if (coding.Equals(name, StringComparison.OrdinalIgnoreCase))
                return end < 0
                    || !entry[(end + 1)..].Trim().StartsWith("q=0", StringComparison.Ordinal)
                    || entry[(end + 1)..].Trim().StartsWith("q=0.", StringComparison.Ordinal);
        }
        return false;
    }
}
