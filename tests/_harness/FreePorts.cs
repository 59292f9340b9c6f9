using System.Net;
using System.Net.Sockets;

namespace Souk.Tests.Harness;

/// <summary>
/// Ports for servers that have to know theirs before they listen. Below the range that the system takes for
/// outgoing connections: one of those could have the port by the time that its server wants it.
/// </summary>
internal static class FreePorts
{
    private const int First = 10_000;

    // More than all tests together take, so that no port of a server that is down for a moment comes again.
    private const int Count = 15_000;

    // Other test processes on the machine start somewhere else.
    private static int s_next = Random.Shared.Next(Count);

    /// <summary>A port that nobody listens on; never the same twice.</summary>
    internal static int One()
    {
        for (var tried = 0; tried < Count; tried++)
        {
            var port = First + (Interlocked.Increment(ref s_next) % Count);
            if (IsFree(port))
                return port;
        }
        throw new InvalidOperationException("No port is free.");
    }

    /// <summary>As many different ones.</summary>
    internal static int[] Many(int count) => [.. Enumerable.Range(0, count).Select(_ => One())];

    /// <summary>Whether a server could open the port now.</summary>
    internal static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
