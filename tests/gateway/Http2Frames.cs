using System.Buffers.Binary;

namespace Souk.Tests.Gateway;

/// <summary>
/// HTTP/2 by hand, for clients that no library would be. It shares nothing with the gateway's own frames,
/// which it is to judge.
/// </summary>
internal static class Http2Frames
{
    internal const byte Data = 0;
    internal const byte Headers = 1;
    internal const byte Reset = 3;
    internal const byte Settings = 4;
    internal const byte Ping = 6;
    internal const byte GoAway = 7;
    internal const byte WindowUpdate = 8;
    internal const byte Continuation = 9;

    internal const byte EndStream = 0x1;
    internal const byte EndHeaders = 0x4;

    /// <summary>What a connection starts with: the preface, and settings that change nothing.</summary>
    internal static byte[] Opening { get; } =
    [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])];

    internal static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>The frames that these bytes hold, the last perhaps cut off.</summary>
    internal static List<(byte Type, byte[] Payload)> Read(ReadOnlySpan<byte> bytes)
    {
        var frames = new List<(byte, byte[])>();
        for (var at = 0; at + 9 <= bytes.Length; )
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[at..]) >> 8;
            var end = Math.Min(at + 9 + length, bytes.Length);
            frames.Add((bytes[at + 3], bytes[(at + 9)..end].ToArray()));
            at = end;
        }
        return frames;
    }
}
