using System.Text;

namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// Texts in HPACK's Huffman code (RFC 7541, Appendix B). The code is canonical: among codes of one length the
/// smaller belongs to the smaller symbol, so it follows from the codes' lengths alone.
/// </summary>
internal static class HpackHuffman
{
    private const int Shortest = 5;
    private const int Longest = 30;

    // Bits of each symbol's code, "a" for the shortest and "z" for the longest. The end-of-string symbol, of
    // 30 bits and never sent, comes behind all.
    private static readonly byte[] Lengths =
    [
        .. (
            "isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhf"
            + "ibccccccccccccccccccccccdcdioijbkabababbbaccbbbabcbaabccccckgjix"
            + "prpprrrsrssssststtrstssssqrsrsstrqprrssqsrrtqrssqqrqsrssprrrsrrs"
            + "vvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwv"
        ).Select(letter => (byte)(letter - 'a' + Shortest)),
    ];

    private static readonly byte[] Symbols =
    [
        .. Enumerable
            .Range(0, Lengths.Length)
            .OrderBy(symbol => Lengths[symbol])
            .Select(symbol => (byte)symbol),
    ];

    private static readonly int[] Counts =
    [
        .. Enumerable.Range(0, Longest + 1).Select(bits => Lengths.Count(length => length == bits)),
    ];

    /// <summary>The text; COMPRESSION_ERROR for what is no valid code.</summary>
    public static string Unpack(ReadOnlySpan<byte> packed)
    {
        var text = new StringBuilder(packed.Length * 8 / Shortest);
        var (code, bits, first, index) = (0, 0, 0, 0);
        for (var at = 0; at < packed.Length * 8; at++)
        {
            // Codes of each length follow on those of the length before.
            (first, index) = ((first + Counts[bits]) << 1, index + Counts[bits]);
            code = (code << 1) | ((packed[at / 8] >> (7 - (at % 8))) & 1);
            bits++;
            if (code - first < Counts[bits])
            {
                text.Append((char)Symbols[index + code - first]);
                (code, bits, first, index) = (0, 0, 0, 0);
            }
            else if (bits == Longest)
            {
                throw HpackReader.Broken("A Huffman-coded header has an unknown symbol.");
            }
        }
        // The last byte is padded with the first bits of the end-of-string symbol, which are all ones.
        if (bits > 7 || code != (1 << bits) - 1)
            throw HpackReader.Broken("A Huffman-coded header is padded wrongly.");
        return text.ToString();
    }
}
