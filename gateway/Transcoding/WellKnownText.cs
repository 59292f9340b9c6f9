using System.Text.Unicode;

namespace Souk.Gateway.Transcoding;

/// <summary>Messages whose JSON is one text: their fields from that text.</summary>
internal static class WellKnownText
{
    private const byte SecondsTag = 1 << 3;
    private const byte NanosTag = 2 << 3;
    private const byte PathsTag = (1 << 3) | (byte)WireType.Length;

    /// <summary>False when the shape has no text form or the text is not of it.</summary>
    public static bool TryWrite(MessageShape shape, ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        switch (shape)
        {
            case MessageShape.Timestamp
                when InstantText.TryParseInstant(text, out var seconds, out var nanos):
                WriteSeconds(seconds, nanos, wire);
                return true;
            case MessageShape.Duration
                when InstantText.TryParseDuration(text, out var seconds, out var nanos):
                WriteSeconds(seconds, nanos, wire);
                return true;
            case MessageShape.FieldMask:
                return TryWritePaths(text, wire);
            default:
                return false;
        }
    }

    private static void WriteSeconds(long seconds, int nanos, PooledBuffer wire)
    {
        if (seconds != 0)
        {
            wire.Varint(SecondsTag);
            wire.Varint(unchecked((ulong)seconds));
        }
        if (nanos == 0)
            return;
        wire.Varint(NanosTag);
        wire.Varint(unchecked((ulong)nanos));
    }

    private static bool TryWritePaths(ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        if (!Utf8.IsValid(text))
            return false;
        while (!text.IsEmpty)
        {
            var comma = text.IndexOf((byte)',');
            var path = comma < 0 ? text : text[..comma];
            text = comma < 0 ? default : text[(comma + 1)..];
            if (path.IsEmpty || (comma >= 0 && text.IsEmpty))
                return false;
            wire.Varint(PathsTag);
            WriteSnakeCase(path, wire);
        }
        return true;
    }

    // The mapping's camel case and the names of our own JSON both arrive as field names.
    private static void WriteSnakeCase(ReadOnlySpan<byte> path, PooledBuffer wire)
    {
        var start = wire.OpenLength();
        var target = wire.GetSpan(path.Length * 2);
        var length = 0;
        foreach (var character in path)
        {
            if (char.IsAsciiLetterUpper((char)character))
                target[length++] = (byte)'_';
            target[length++] = char.IsAsciiLetterUpper((char)character)
                ? (byte)(character | 0x20)
                : character;
        }
        wire.Advance(length);
        wire.CloseLength(start);
    }
}
