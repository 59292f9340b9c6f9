using System.Buffers;
using System.IO.Pipelines;
using System.Text;

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
    public async Task PumpAsync(string appId, Stream input)
    {
        var prefix = Encoding.UTF8.GetBytes($"{appId, -10}| ");
        var reader = PipeReader.Create(input);
        var lines = new ArrayBufferWriter<byte>();
        while (true)
        {
            var result = await reader.ReadAsync();
            var rest = result.Buffer;
            lines.ResetWrittenCount();
            while (TryTakeLine(ref rest, result.IsCompleted, out var line))
            {
                lines.Write(prefix);
                foreach (var segment in line)
                    lines.Write(segment.Span);
                lines.Write("\n"u8);
            }
            reader.AdvanceTo(rest.Start, rest.End);
            if (lines.WrittenCount > 0)
                Write(lines.WrittenSpan);
            if (result.IsCompleted)
                break;
        }
        await reader.CompleteAsync();
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
