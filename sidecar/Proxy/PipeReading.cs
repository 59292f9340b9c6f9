using System.Buffers;
using System.IO.Pipelines;

namespace Souk.Sidecar.Proxy;

/// <summary>Reading a request's body in one piece.</summary>
internal static class PipeReading
{
    public static async ValueTask<ReadOnlyMemory<byte>> ReadWholeAsync(
        this PipeReader reader,
        CancellationToken cancellation
    )
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellation);
            if (!result.IsCompleted)
            {
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                continue;
            }
            var body = result.Buffer.ToArray();
            reader.AdvanceTo(result.Buffer.End);
            return body;
        }
    }
}
