using System.Buffers;
using System.IO.Pipelines;

namespace Souk.Sidecar.Processes;

/// <summary>
/// Copies the apps' output to this process's own, each line behind its app's id. Bytes stay bytes: apps may
/// log thousands of lines a second, and this process has better things to do than to decode them.
/// </summary>
internal sealed class LogPump(Stream output)
{
    // A longer line is cut in two.
    private const int LineMax = 64 * 1024;

    private readonly Lock _turn = new();
    private volatile bool _outputGone;

    /// <summary>Runs until the app closes its end.</summary>
    public async Task PumpAsync(AppLog log, Stream input)
    {
        var reader = PipeReader.Create(input);
        var lines = new ArrayBufferWriter<byte>();
        var plain = new ArrayBufferWriter<byte>();
        while (true)
        {
            var result = await reader.ReadAsync();
            var rest = result.Buffer;
            lines.ResetWrittenCount();
            plain.ResetWrittenCount();
            while (TryTakeLine(ref rest, result.IsCompleted, out var line))
            {
                if (log.IsShown)
                    Add(lines, log.Prefix.Span, line);
                if (log.File is not null)
                    Add(plain, [], line);
            }
            reader.AdvanceTo(rest.Start, rest.End);
            if (lines.WrittenCount > 0)
                Write(lines.WrittenSpan);
            if (log.File is not null && plain.WrittenCount > 0)
                await log.File.WriteAsync(plain.WrittenMemory);
            if (result.IsCompleted)
                break;
        }
        await reader.CompleteAsync();
    }

    private static void Add(
        ArrayBufferWriter<byte> lines,
        ReadOnlySpan<byte> prefix,
        ReadOnlySequence<byte> line
    )
    {
        lines.Write(prefix);
        foreach (var segment in line)
            lines.Write(segment.Span);
        lines.Write("\n"u8);
    }

    private static bool TryTakeLine(
        ref ReadOnlySequence<byte> rest,
        bool isLast,
        out ReadOnlySequence<byte> line
    )
    {
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }
        line = rest;
        if (rest.IsEmpty || rest.Length < LineMax && !isLast)
            return false;
        rest = rest.Slice(rest.End);
        return true;
    }

    private void Write(ReadOnlySpan<byte> lines)
    {
        // With nobody reading any more the apps must still not block on a full pipe.
        if (_outputGone)
            return;
        try
        {
            lock (_turn)
            {
                output.Write(lines);
                output.Flush();
            }
        }
        catch (IOException)
        {
            _outputGone = true;
        }
    }
}
