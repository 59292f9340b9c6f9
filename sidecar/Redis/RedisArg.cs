using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Souk.Sidecar.Redis;

/// <summary>One word of a command: text or bytes.</summary>
internal readonly struct RedisArg
{
    private readonly string? _text;
    private readonly ReadOnlyMemory<byte> _bytes;

    private RedisArg(string text)
    {
        _text = text;
        _bytes = default;
    }

    private RedisArg(ReadOnlyMemory<byte> bytes)
    {
        _text = null;
        _bytes = bytes;
    }

    public static implicit operator RedisArg(string text) => new(text);

    public static implicit operator RedisArg(long number) =>
        new(number.ToString(CultureInfo.InvariantCulture));

    public static implicit operator RedisArg(ReadOnlyMemory<byte> bytes) => new(bytes);

    public static implicit operator RedisArg(byte[] bytes) => new(bytes.AsMemory());

    /// <summary>Writes a whole command as RESP2: an array of bulk strings.</summary>
    public static void WriteCommand(IBufferWriter<byte> output, ReadOnlySpan<RedisArg> words)
    {
        WriteLength(output, (byte)'*', words.Length);
        foreach (var word in words)
            word.Write(output);
    }

    private void Write(IBufferWriter<byte> output)
    {
        if (_text is null)
        {
            WriteLength(output, (byte)'$', _bytes.Length);
            output.Write(_bytes.Span);
        }
        else
        {
            var length = Encoding.UTF8.GetByteCount(_text);
            WriteLength(output, (byte)'$', length);
            Encoding.UTF8.GetBytes(_text, output.GetSpan(length));
            output.Advance(length);
        }
        output.Write("\r\n"u8);
    }

    private static void WriteLength(IBufferWriter<byte> output, byte kind, int length)
    {
        var span = output.GetSpan(16);
        span[0] = kind;
        Utf8Formatter.TryFormat(length, span[1..], out var digits);
        span[digits + 1] = (byte)'\r';
        span[digits + 2] = (byte)'\n';
        output.Advance(digits + 3);
    }
}
