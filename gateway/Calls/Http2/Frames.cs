using System.Buffers.Binary;
using Souk.Gateway.Transcoding;
using Souk.Shared.Connections;

namespace Souk.Gateway.Calls.Http2;

/// <summary>Writes HTTP/2's frames (RFC 9113, 4.1 and 6).</summary>
internal static class Frames
{
    /// <summary>The length of a frame's header.</summary>
    public const int HeadBytes = 9;

    /// <summary>
    /// The largest payload that a side may send which was not allowed more; we allow no more.
    /// </summary>
    public const int PayloadBytesMax = 16 * 1024;

    public const byte EndStream = 0x1;
    public const byte Ack = 0x1;
    public const byte EndHeaders = 0x4;
    public const byte Padded = 0x8;
    public const byte WithPriority = 0x20;

    /// <inheritdoc cref="PriorKnowledge.Preface"/>
    public static ReadOnlySpan<byte> Preface => PriorKnowledge.Preface;

    public static void Head(PooledBuffer target, FrameKind kind, byte flags, int stream, int length)
    {
        Write(target.GetSpan(HeadBytes), kind, flags, stream, length);
        target.Advance(HeadBytes);
    }

    /// <summary>
    /// A field block: a HEADERS frame, and CONTINUATION frames for what does not fit into it.
    /// </summary>
    public static void Headers(PooledBuffer target, int stream, ReadOnlySpan<byte> block, byte flags)
    {
        var kind = FrameKind.Headers;
        while (true)
        {
            var part = block[..Math.Min(block.Length, PayloadBytesMax)];
            block = block[part.Length..];
            Head(target, kind, (byte)(flags | (block.IsEmpty ? EndHeaders : 0)), stream, part.Length);
            target.Append(part);
            if (block.IsEmpty)
                return;
            (kind, flags) = (FrameKind.Continuation, 0);
        }
    }

    /// <summary>A frame whose payload is one number: WINDOW_UPDATE or RST_STREAM.</summary>
    public static void Number(PooledBuffer target, FrameKind kind, int stream, int value)
    {
        Head(target, kind, 0, stream, sizeof(int));
        BinaryPrimitives.WriteInt32BigEndian(target.GetSpan(sizeof(int)), value);
        target.Advance(sizeof(int));
    }

    public static void Settings(PooledBuffer target, params ReadOnlySpan<(Setting Id, int Value)> settings)
    {
        const int each = sizeof(ushort) + sizeof(int);
        Head(target, FrameKind.Settings, 0, 0, settings.Length * each);
        foreach (var (id, value) in settings)
        {
            var entry = target.GetSpan(each);
            BinaryPrimitives.WriteUInt16BigEndian(entry, (ushort)id);
            BinaryPrimitives.WriteInt32BigEndian(entry[sizeof(ushort)..], value);
            target.Advance(each);
        }
    }

    private static void Write(Span<byte> head, FrameKind kind, byte flags, int stream, int length)
    {
        head[0] = (byte)(length >> 16);
        head[1] = (byte)(length >> 8);
        head[2] = (byte)length;
        head[3] = (byte)kind;
        head[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(head[5..], stream);
    }
}
