using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Souk.Gateway.Calls.Http2;
using Souk.Gateway.Transcoding;
using Souk.Shared.Connections;

namespace Souk.Gateway.Calls;

/// <summary>
/// Calls services through the gateway's own sidecar. The gateway carries messages as bytes; a gRPC client
/// library wants message objects, and makes a call object for each call. Streams go through HttpClient's
/// handler. Unary calls, which are nearly all, go over <see cref="Http2Connections"/>, which takes half of
/// the processor time.
/// </summary>
internal sealed class Backend : IDisposable
{
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2);
    private static readonly int ConnectionsUsual = Math.Clamp(Environment.ProcessorCount, 1, 8);

    private readonly ConcurrentDictionary<string, Uri> _urls = new(StringComparer.Ordinal);
    private readonly string _origin;
    private readonly string _sidecarToken;
    private readonly ConcurrentDictionary<string, byte[]> _heads = new(StringComparer.Ordinal);
    private readonly Http2Connections _connections;
    private readonly Lanes _lanes = new(OpenConnections);

    public Backend(GatewaySettings settings)
    {
        var sidecar = new IPEndPoint(IPAddress.Loopback, settings.SidecarPort);
        _origin = $"http://{sidecar}";
        _sidecarToken = settings.SidecarToken;
        // Whether a socket is alive is a matter of real time, whatever time the gateway works by.
        _connections = new Http2Connections(sidecar, TimeProvider.System, ConnectionsUsual);
    }

    /// <summary>Makes a unary call.</summary>
    public ValueTask<UnaryReply> CallAsync(GrpcCall call, CancellationToken token)
    {
        call.Seal();
        var headers = call.Headers;
        headers.Truncate(0);
        headers.Append(
            _heads.GetOrAdd(call.Path, static (_, own) => own.Of.HeadOf(own.call), (Of: this, call))
        );
        HpackWriter.Field(headers, "grpc-timeout", GrpcTimeout(call.Deadline));
        foreach (var (name, value) in call.Metadata)
            HpackWriter.Field(headers, name, value);
        return _connections.CallAsync(call, token);
    }

    /// <summary>Sends a stream's call and returns once the answer begins.</summary>
    public async Task<GrpcReply> SendAsync(GrpcCall call, CancellationToken token)
    {
        using HttpContent content = call.Stream is { } stream ? stream : new GrpcContent(call);
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            _urls.GetOrAdd(call.Path, path => new Uri(_origin + path))
        )
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        var headers = request.Headers;
        headers.TryAddWithoutValidation("te", "trailers");
        headers.TryAddWithoutValidation("grpc-timeout", GrpcTimeout(call.Deadline));
        headers.TryAddWithoutValidation("dapr-app-id", call.AppId);
        if (_sidecarToken.Length > 0)
            headers.TryAddWithoutValidation("dapr-api-token", _sidecarToken);
        foreach (var (name, value) in call.Metadata)
            headers.TryAddWithoutValidation(name, value);
        var lane = _lanes.Enter();
        try
        {
            return new GrpcReply(await lane.SendAsync(request, token), lane);
        }
        catch
        {
            lane.GiveUp();
            // A call that is given up while it is being sent can look like a lost connection.
            token.ThrowIfCancellationRequested();
            throw;
        }
    }

    public void Dispose()
    {
        _connections.Dispose();
        _lanes.Dispose();
    }

    /// <summary>The headers that all calls of an RPC have in common; an RPC is served by one app.</summary>
    private byte[] HeadOf(GrpcCall call)
    {
        using var head = new PooledBuffer();
        head.Append(HpackWriter.PostByHttp);
        HpackWriter.Field(head, HpackWriter.Path, call.Path);
        HpackWriter.Field(head, HpackWriter.Authority, new Uri(_origin).Authority);
        HpackWriter.Field(head, "content-type", "application/grpc");
        HpackWriter.Field(head, "te", "trailers");
        HpackWriter.Field(head, "dapr-app-id", call.AppId);
        if (_sidecarToken.Length > 0)
            HpackWriter.Field(head, "dapr-api-token", _sidecarToken);
        return head.Written.ToArray();
    }

    private static SocketsHttpHandler OpenConnections() =>
        new()
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = ConnectPatience,
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            // The trace travels as metadata that we write ourselves.
            ActivityHeadersPropagator = null,
        };

    // At most eight digits are allowed: milliseconds suffice for a day.
    private static string GrpcTimeout(TimeSpan deadline) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Max(deadline.TotalMilliseconds, 1)}m");
}
