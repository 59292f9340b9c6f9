using System.Text;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// Writes headers as literals without indexing (RFC 7541, 6.2.2), the plainest form of HPACK: the server
/// keeps nothing of them. Compression would only save bytes that never leave the machine.
/// </summary>
internal static class HpackWriter
{
    /// <summary>":method: POST" and ":scheme: http" of the static table.</summary>
    public static ReadOnlySpan<byte> PostByHttp => [0x83, 0x86];

    /// <summary>The index of ":authority" in the static table.</summary>
    public const byte Authority = 1;

    /// <summary>The index of ":path" in the static table.</summary>
    public const byte Path = 4;

    private const int LengthBytesMax = 5;
    private const int ShortMax = 127;

    /// <summary>A header whose name is in the static table, at an index below 15.</summary>
    public static void Field(PooledBuffer target, byte name, string value)
    {
        target.Append([name]);
        Text(target, value);
    }

    public static void Field(PooledBuffer target, string name, string value)
    {
        target.Append([0]);
        Text(target, name);
        Text(target, value);
    }

    private static void Text(PooledBuffer target, string text)
    {
        var span = target.GetSpan(LengthBytesMax + text.Length);
        var at = Length(span, text.Length);
        target.Advance(at + Encoding.ASCII.GetBytes(text, span[at..]));
    }

    private static int Length(Span<byte> target, int value)
    {
        if (value < ShortMax)
        {
            target[0] = (byte)value;
            return 1;
        }
        target[0] = ShortMax;
        var at = 1;
        for (value -= ShortMax; value >= 0x80; value >>= 7)
            target[at++] = (byte)(value | 0x80);
        target[at++] = (byte)value;
        return at;
    }
}
