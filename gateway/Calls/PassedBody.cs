using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Souk.Gateway.Http;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Calls;

/// <summary>
/// The messages of a client's stream, passed on as they come. Only their lengths are looked at, so that no
/// message is larger than allowed. Reading waits for the service to take what came before.
/// </summary>
internal sealed class PassedBody : HttpContent
{
    private static readonly MediaTypeHeaderValue Type = new("application/grpc");

    private readonly PipeReader _source;
    private readonly MessageMeter _meter;

    public PassedBody(PipeReader source, int messageBytesMax)
    {
        _source = source;
        _meter = new MessageMeter(messageBytesMax);
        Headers.ContentType = Type;
    }

    /// <summary>Why the client's stream could not be passed on, where that is the client's doing.</summary>
    public Exception? Refusal { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken token
    )
    {
        try
        {
            await PassAsync(stream, token);
        }
        catch (Exception e) when (e is RpcException or BadRequestException or BadHttpRequestException)
        {
            Refusal = e;
            throw;
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    private async Task PassAsync(Stream stream, CancellationToken token)
    {
        while (true)
        {
            var read = await BodyReader.NextAsync(_source, token);
            try
            {
                foreach (var segment in read.Buffer)
                    _meter.Count(segment.Span);
                if (read.IsCompleted)
                    _meter.End();
                foreach (var segment in read.Buffer)
                    await stream.WriteAsync(segment, token);
            }
            finally
            {
                BodyReader.Advance(_source, read);
            }
            if (read.IsCompleted)
                return;
            await stream.FlushAsync(token);
        }
    }
}
