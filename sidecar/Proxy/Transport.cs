using System.Net.Sockets;

namespace Souk.Sidecar.Proxy;

/// <summary>How connections are opened, to apps and to the world.</summary>
internal static class Transport
{
    /// <summary>An app that is being restarted is back within this, or it is down.</summary>
    public static readonly IReadOnlyList<TimeSpan> ConnectDelays =
    [
        TimeSpan.FromMilliseconds(50),
        TimeSpan.FromMilliseconds(150),
        TimeSpan.FromMilliseconds(300),
    ];

    /// <summary>To addresses outside of Dapr: other people's servers, whose certificates count.</summary>
    public static SocketsHttpHandler CreateToOutside() =>
        new()
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            AllowAutoRedirect = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            UseCookies = false,
            ActivityHeadersPropagator = null,
        };

    /// <summary>To an app behind its sidecar, or another process's sidecar.</summary>
    public static SocketsHttpHandler CreateToApps() =>
        new()
        {
            // An app serves a hundred streams per connection by default; more callers need more connections.
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            // A gRPC channel that finds no callback puts its own here, which connects for channels only: the
            // proxy and HTTP apps could then never open a connection.
            ConnectCallback = ConnectAsync,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            InitialHttp2StreamWindowSize = 1024 * 1024,
            AllowAutoRedirect = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
#pragma warning disable CA5359 // As Dapr does: an app is where its port is, whatever its certificate says.
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
            // Trace headers are the caller's and pass through like any other.
            ActivityHeadersPropagator = null,
        };

    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken cancellation
    )
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
