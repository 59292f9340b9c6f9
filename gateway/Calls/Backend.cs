using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace Souk.Gateway.Calls;

/// <summary>
/// Calls services through the own sidecar. The gateway carries messages as bytes, so a gRPC client library,
/// which wants message objects and a call object each, would only stand between it and HTTP/2.
/// </summary>
internal sealed class Backend : IDisposable
{
    private readonly ConcurrentDictionary<string, Uri> _urls = new(StringComparer.Ordinal);
    private readonly string _origin;
    private readonly string _sidecarToken;
    private Lane _lane = new();

    public Backend(GatewaySettings settings)
    {
        _origin = $"http://127.0.0.1:{settings.SidecarPort}";
        _sidecarToken = settings.SidecarToken;
    }

    /// <summary>Sends the call and returns once the answer begins.</summary>
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
        var lane = EnterLane();
        try
        {
            return new GrpcReply(await lane.SendAsync(request, token), lane);
        }
        catch
        {
            lane.GiveUp();
            // What is broken off while it is being sent can look like a lost connection.
            token.ThrowIfCancellationRequested();
            throw;
        }
    }

    public void Dispose() => _lane.Dispose();

    private Lane EnterLane()
    {
        while (true)
        {
            var lane = Volatile.Read(ref _lane);
            if (lane.IsWorn)
                Replace(lane);
            else if (lane.TryEnter())
                return lane;
        }
    }

    private void Replace(Lane worn)
    {
        var fresh = new Lane();
        if (Interlocked.CompareExchange(ref _lane, fresh, worn) == worn)
            worn.Leave();
        else
            fresh.Dispose();
    }

    // At most eight digits are allowed: milliseconds suffice for a day.
    private static string GrpcTimeout(TimeSpan deadline) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Max(deadline.TotalMilliseconds, 1)}m");
}
