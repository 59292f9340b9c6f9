using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Souk.Sidecar.Proxy;

/// <summary>An app's answer on its way to the caller: status, headers, body as it comes, trailers.</summary>
internal static class ForwardedResponse
{
    private const int BufferSize = 16 * 1024;

    public static async Task CopyAsync(
        HttpResponseMessage from,
        HttpContext context,
        ReadOnlyMemory<byte> first = default
    )
    {
        var to = context.Response;
        var cancellation = context.RequestAborted;
        to.StatusCode = (int)from.StatusCode;
        ForwardedHeaders.CopyToCaller(from, to);
        // Such an answer has no body, and a length of one would make the server refuse to send it.
        if (to.StatusCode is < 200 or StatusCodes.Status204NoContent or StatusCodes.Status304NotModified)
            to.ContentLength = null;
        if (!first.IsEmpty)
            to.BodyWriter.Write(first.Span);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await using var stream = await from.Content.ReadAsStreamAsync(cancellation);
            // Headers alone are news to the caller of a stream; a unary answer follows them at once.
            var unsent = true;
            while (true)
            {
                var reading = stream.ReadAsync(buffer, cancellation);
                if (unsent && !reading.IsCompleted)
                {
                    await to.BodyWriter.FlushAsync(cancellation);
                    unsent = false;
                }
                var length = await reading;
                if (length == 0)
                    break;
                to.BodyWriter.Write(buffer.AsSpan(0, length));
                unsent = true;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        ForwardedHeaders.CopyTrailers(from, to);
    }
}
