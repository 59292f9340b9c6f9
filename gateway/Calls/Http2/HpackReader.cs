using System.Text;

namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// Reads field blocks (RFC 7541). We tell the server to keep no dynamic table, so only the static table
/// exists, each block can be read by itself, and none changes what the next one means.
/// </summary>
internal ref struct HpackReader(ReadOnlySpan<byte> block)
{
    private const int LongestShift = 21;

    private ReadOnlySpan<byte> _rest = block;

    /// <summary>Appends all headers of a block.</summary>
    public static void Read(ReadOnlySpan<byte> block, HeaderList target)
    {
        var reader = new HpackReader(block);
        while (!reader._rest.IsEmpty)
            reader.Next(target);
    }

    private void Next(HeaderList target)
    {
        var first = _rest[0];
        if (first >= 0x80)
        {
            var (name, value) = HpackTable.At(Number(7));
            target.Add(new(name, value));
            return;
        }
        if (first is >= 0x20 and < 0x40)
        {
            if (Number(5) > 0)
                throw Broken("The dynamic table is larger than we allow.");
            return;
        }
        var index = Number(first >= 0x40 ? 6 : 4);
        var said = index > 0 ? HpackTable.At(index).Name : Text();
        target.Add(new(said, Text()));
    }

    private string Text()
    {
        if (_rest.IsEmpty)
            throw Broken("A header is cut off.");
        var isPacked = _rest[0] >= 0x80;
        var length = Number(7);
        if (length > _rest.Length)
            throw Broken("A header is cut off.");
        var bytes = _rest[..length];
        _rest = _rest[length..];
        return isPacked ? HpackHuffman.Unpack(bytes) : Known(bytes) ?? Encoding.Latin1.GetString(bytes);
    }

    // Names and values of nearly every answer, so that reading them allocates no string.
    private static string? Known(ReadOnlySpan<byte> text) =>
        text.Length switch
        {
            1 when text[0] == '0' => "0",
            6 when text.SequenceEqual("server"u8) => "server",
            7 when text.SequenceEqual("Kestrel"u8) => "Kestrel",
            11 when text.SequenceEqual("grpc-status"u8) => "grpc-status",
            16 when text.SequenceEqual("application/grpc"u8) => "application/grpc",
            _ => null,
        };

    /// <summary>An integer whose prefix is the lowest bits of a byte (RFC 7541, 5.1).</summary>
    private int Number(int bits)
    {
        var most = (1 << bits) - 1;
        var value = _rest[0] & most;
        _rest = _rest[1..];
        if (value < most)
            return value;
        for (var shift = 0; shift <= LongestShift; shift += 7)
        {
            if (_rest.IsEmpty)
                break;
            var next = _rest[0];
            _rest = _rest[1..];
            value += (next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
        throw Broken("A header has an integer that is too long.");
    }

    public static IOException Broken(string problem) => new(problem);
}
