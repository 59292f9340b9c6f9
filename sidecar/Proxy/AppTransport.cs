using System.Collections.Concurrent;
using Souk.Shared.Connections;

namespace Souk.Sidecar.Proxy;

/// <summary>
/// The way to the apps, and to the sidecars of other processes. Each has <see cref="Lanes"/> of its own, so
/// that calls to one that are given up wear no connection to another.
/// </summary>
internal sealed class AppTransport : HttpMessageHandler
{
    private static readonly HttpRequestOptionsKey<Lane> LaneTaken = new("souk.lane");

    private readonly ConcurrentDictionary<(string Host, int Port), Lanes> _lanes = new();

    /// <summary>
    /// Counts a call as given up whose answer has begun, but whose caller left before its end.
    /// </summary>
    public static void GiveUp(HttpResponseMessage answer)
    {
        if (answer.RequestMessage is { } request && request.Options.TryGetValue(LaneTaken, out var lane))
            lane.Wear();
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        var lane = LanesTo(request.RequestUri).Enter();
        request.Options.Set(LaneTaken, lane);
        HttpResponseMessage answer;
        try
        {
            answer = await lane.SendAsync(request, cancellationToken);
        }
        catch when (cancellationToken.IsCancellationRequested)
        {
            lane.GiveUp();
            throw;
        }
        catch
        {
            lane.Leave();
            throw;
        }
        // The rest of the answer needs no lane: a connection that is closed ends behind the answers on it.
        lane.Leave();
        return answer;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var lanes in _lanes.Values)
                lanes.Dispose();
        }
        base.Dispose(disposing);
    }

    private Lanes LanesTo(Uri? address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var server = (address.IdnHost, address.Port);
        return _lanes.TryGetValue(server, out var known)
            ? known
            : _lanes.GetOrAdd(server, _ => new Lanes(Transport.CreateToApps));
    }
}
