using System.Buffers.Text;

namespace Souk.Tests.Harness;

/// <summary>
/// Where an answer of HTTP/1.1 ends, by what it says itself: a length, chunks, or no body at all. For clients
/// that read from bare sockets.
/// </summary>
internal static class Http1Answer
{
    private static ReadOnlySpan<byte> Line => "\r\n"u8;

    /// <summary>
    /// How many of the bytes are the answer, which begins with the first; null while it is not whole.
    /// </summary>
    public static int? LengthOf(ReadOnlySpan<byte> bytes)
    {
        var start = "HTTP/1.1 "u8;
        if (!bytes.StartsWith(start[..Math.Min(start.Length, bytes.Length)]))
            throw new InvalidDataException("does not begin as an answer");
        var head = HeadOf(bytes);
        if (head.IsEmpty)
            return null;
        if (head.IndexOf("\r\nTransfer-Encoding: chunked\r\n"u8) >= 0)
            return ChunksOf(bytes[head.Length..]) is { } chunks ? head.Length + chunks : null;
        var hasBody = !head.StartsWith("HTTP/1.1 304"u8) && !head.StartsWith("HTTP/1.1 101"u8);
        var whole = head.Length + (hasBody ? DeclaredBy(head) : 0);
        return whole <= bytes.Length ? whole : null;
    }

    /// <summary>Whether another request may follow on the connection.</summary>
    public static bool MayGoOn(ReadOnlySpan<byte> answer)
    {
        var head = HeadOf(answer);
        return !head.StartsWith("HTTP/1.1 101"u8) && head.IndexOf("\r\nConnection: close\r\n"u8) < 0;
    }

    // With the empty line that ends it; nothing while that has not come.
    private static ReadOnlySpan<byte> HeadOf(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        return end < 0 ? default : bytes[..(end + 4)];
    }

    private static int DeclaredBy(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        var at = head.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(head[(at + name.Length)..], out int said, out _) ? said : 0;
    }

    // Chunk by chunk, as data can look like the last chunk.
    private static int? ChunksOf(ReadOnlySpan<byte> body)
    {
        for (var at = 0; ; )
        {
            var digits = body[at..].IndexOf(Line);
            if (digits < 0)
                return null;
            if (
                !Utf8Parser.TryParse(body.Slice(at, digits), out int size, out var read, 'x')
                || read != digits
            )
                throw new InvalidDataException("has a chunk of no length");
            at += digits + Line.Length + size + Line.Length;
            if (at > body.Length)
                return null;
            if (!body[(at - Line.Length)..].StartsWith(Line))
                throw new InvalidDataException("has a chunk that does not end where it says");
            if (size == 0)
                return at;
        }
    }
}
