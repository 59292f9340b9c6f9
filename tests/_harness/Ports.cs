using System.Net.Sockets;

namespace Souk.Tests.Harness;

/// <summary>Waits for what becomes of a port.</summary>
internal static class Ports
{
    /// <summary>Returns once somebody listens there.</summary>
    internal static Task UntilOpenAsync(int port) =>
        Eventually.ThatAsync(
            async () =>
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    await socket.ConnectAsync("127.0.0.1", port);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            $"port {port}"
        );

    /// <summary>
    /// Returns once a server can open it. One of ours that was closed may not be free for a moment: a process
    /// that another test starts has all our sockets until it runs its own program.
    /// </summary>
    internal static Task UntilFreeAsync(int port) =>
        Eventually.ThatAsync(() => FreePorts.IsFree(port), $"port {port} to be free");
}
