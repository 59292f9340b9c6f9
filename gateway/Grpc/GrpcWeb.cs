using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Souk.Gateway.Calls;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Grpc;

/// <summary>
/// gRPC for browsers, which see no trailers and, some of them, no bytes. What is inside sees gRPC: the body
/// is decoded on its way in, encoded on its way out, and the trailers become its last frame.
/// </summary>
internal static class GrpcWeb
{
    private const byte TrailersFlag = 0x80;

    public static async Task RunAsync(HttpContext context, GrpcKind kind, Func<Task> serve)
    {
        var features = context.Features;
        var body = features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var trailers = new HeaderDictionary();
        features.Set<IHttpResponseTrailersFeature>(new CollectedTrailers { Trailers = trailers });
        var (request, protocol) = (context.Request, context.Request.Protocol);
        request.ContentType = GrpcKind.Native.MediaType();
        request.Protocol = HttpProtocol.Http2;
        context.Response.OnStarting(() =>
        {
            request.Protocol = protocol;
            context.Response.ContentType = kind.MediaType();
            return Task.CompletedTask;
        });
        if (kind == GrpcKind.WebText)
        {
            request.ContentLength = null;
            var decoded = new Base64Reader(request.BodyReader);
            features.Set<IRequestBodyPipeFeature>(new DecodedBody(PipeReader.Create(decoded)));
            var encoded = new Base64Writer(body.Stream);
            features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(encoded, body));
        }
        await serve();
        if (context.RequestAborted.IsCancellationRequested)
            return;
        using var frame = Frame(trailers);
        await context.Response.Body.WriteAsync(frame.WrittenMemory, context.RequestAborted);
    }

    // Like HTTP/1.1's header lines, with names in lower case.
    private static PooledBuffer Frame(IHeaderDictionary trailers)
    {
        var frame = new PooledBuffer();
        var prefix = frame.GetSpan(GrpcCall.PrefixBytes)[..GrpcCall.PrefixBytes];
        prefix[0] = TrailersFlag;
        frame.Advance(GrpcCall.PrefixBytes);
        foreach (var (name, values) in trailers)
        {
            var line = $"{name.ToLowerInvariant()}: {values}\r\n";
            frame.Advance(Encoding.ASCII.GetBytes(line, frame.GetSpan(line.Length)));
        }
        var length = (uint)(frame.Length - GrpcCall.PrefixBytes);
        BinaryPrimitives.WriteUInt32BigEndian(frame.At(1, sizeof(uint)), length);
        return frame;
    }

    private sealed class CollectedTrailers : IHttpResponseTrailersFeature
    {
        public required IHeaderDictionary Trailers { get; set; }
    }

    private sealed record DecodedBody(PipeReader Reader) : IRequestBodyPipeFeature;
}
