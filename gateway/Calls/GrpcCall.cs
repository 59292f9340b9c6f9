using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Souk.Gateway.Transcoding;
using Souk.Options.V1;

namespace Souk.Gateway.Calls;

/// <summary>A call about to be made: where to, which bytes, which metadata, how long.</summary>
internal sealed class GrpcCall : IDisposable
{
    /// <summary>A gRPC message starts with a flag and its length.</summary>
    public const int PrefixBytes = 5;

    private const int MetadataUsual = 8;

    public GrpcCall(string appId, string path)
    {
        AppId = appId;
        Path = path;
        Message.GetSpan(PrefixBytes)[..PrefixBytes].Clear();
        Message.Advance(PrefixBytes);
    }

    public string AppId { get; }

    /// <summary>"/package.Service/Method".</summary>
    public string Path { get; }

    /// <summary>The request's wire bytes, behind room for the prefix.</summary>
    public PooledBuffer Message { get; } = new();

    /// <summary>The messages of a stream from the client; null where the request is one message.</summary>
    public PassedBody? Stream { get; set; }

    /// <summary>Metadata that travels with the call; names in lower case.</summary>
    public List<KeyValuePair<string, string>> Metadata { get; } = new(MetadataUsual);

    /// <summary>The request headers, encoded by HPACK anew each time that the call is made.</summary>
    public PooledBuffer Headers { get; } = new();

    /// <summary>Passed on as grpc-timeout; the gateway itself stops waiting then, too.</summary>
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether the caller gives less time than is usual. Running out of it then says nothing about the
    /// service.
    /// </summary>
    public bool IsHurried { get; set; }

    /// <summary>Who goes first when the service has too much to do.</summary>
    public Priority Priority { get; init; } = Priority.Browse;

    /// <summary>
    /// Whether the caller asked to wait for a result, so that its time tells nothing of load.
    /// </summary>
    public bool Waits { get; set; }

    /// <summary>Why the caller's part cannot be passed on, where that is the caller's doing.</summary>
    public Exception? Refusal
    {
        get => field ?? Stream?.Refusal;
        set;
    }

    /// <summary>Fills in the message's prefix, once the message is complete.</summary>
    public void Seal() =>
        BinaryPrimitives.WriteUInt32BigEndian(
            Message.At(1, sizeof(uint)),
            (uint)(Message.Length - PrefixBytes)
        );

    public void Dispose()
    {
        Message.Dispose();
        Headers.Dispose();
    }
}

/// <summary>
/// The body of a stream's call whose request is a single message.
/// </summary>
internal sealed class GrpcContent : HttpContent
{
    private static readonly MediaTypeHeaderValue Type = new("application/grpc");
    private readonly PooledBuffer _message;

    public GrpcContent(GrpcCall call)
    {
        _message = call.Message;
        call.Seal();
        Headers.ContentType = Type;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken token
    ) => stream.WriteAsync(_message.WrittenMemory, token).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
