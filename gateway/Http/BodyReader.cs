using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Souk.Gateway.Transcoding;
using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Http;

/// <summary>Reads a whole request body, as long as it may be.</summary>
internal static class BodyReader
{
    public static async ValueTask ReadAsync(HttpContext context, PooledBuffer body, int bytesMax)
    {
        var request = context.Request;
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            return;
        if (request.ContentLength > bytesMax)
            throw TooLarge(bytesMax);
        // A compressed body is a small one that can become any size: refused, the limit is on what we read.
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && encoding != "identity")
        {
            throw new BadRequestException(
                Reason.UnsupportedMediaType,
                "Content-Encoding",
                "must be absent: bodies are not decompressed"
            );
        }
        var reader = request.BodyReader;
        while (true)
        {
            var read = await NextAsync(reader, context.RequestAborted);
            foreach (var segment in read.Buffer)
            {
                if (body.Length + segment.Length > bytesMax)
                    throw TooLarge(bytesMax);
                segment.Span.CopyTo(body.GetSpan(segment.Length));
                body.Advance(segment.Length);
            }
            Advance(reader, read);
            if (read.IsCompleted)
                return;
        }
    }

    /// <summary>The next piece; CANCELLED where the caller went away, or reset its stream.</summary>
    public static async ValueTask<ReadResult> NextAsync(PipeReader reader, CancellationToken token)
    {
        try
        {
            return await reader.ReadAsync(token);
        }
        catch (Exception e) when (IsCallerGone(e) && !token.IsCancellationRequested)
        {
            throw Fault.Cancelled();
        }
    }

    /// <summary>Marks a piece as consumed; CANCELLED where the caller went away since it was read.</summary>
    public static void Advance(PipeReader reader, ReadResult read)
    {
        try
        {
            reader.AdvanceTo(read.Buffer.End);
        }
        catch (Exception e) when (IsCallerGone(e))
        {
            throw Fault.Cancelled();
        }
    }

    public static Exception TooLarge(int bytesMax) =>
        Fault.ResourceExhausted(Reason.TooLarge, $"The body is larger than {bytesMax} bytes.");

    // What Kestrel throws from a body whose caller has left. It can come before RequestAborted is cancelled,
    // and would then look as if the service had failed or the deadline had passed.
    private static bool IsCallerGone(Exception error) =>
        error is OperationCanceledException or (IOException and not BadHttpRequestException);
}
