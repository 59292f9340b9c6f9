using System.Net;
using System.Net.Sockets;
using Souk.Gateway.Calls.Http2;

namespace Souk.Tests.Gateway.Http2;

/// <summary>A server that speaks HTTP/2 frame by frame, as a test tells it.</summary>
internal sealed class FrameServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<FramePeer> _peers = [];

    public FrameServer() => _listener.Start();

    public EndPoint EndPoint => _listener.LocalEndpoint;

    /// <summary>The next connection, its preface read and its settings answered.</summary>
    public async Task<FramePeer> AcceptAsync(params (Setting, int)[] settings)
    {
        var peer = new FramePeer(await _listener.AcceptSocketAsync(FramePeer.Patience()));
        _peers.Add(peer);
        await peer.GreetAsync(settings);
        return peer;
    }

    /// <summary>Stops listening, and ends the connections that the test did not end.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        _peers.ForEach(peer => peer.Dispose());
    }
}
