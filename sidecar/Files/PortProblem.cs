using System.Net;
using System.Net.Sockets;

namespace Souk.Sidecar.Files;

/// <summary>Finds out which port it was that could not be opened, and who asked for it.</summary>
internal static class PortProblem
{
    public static ConfigException? Of(IEnumerable<AppSpec> specs)
    {
        var all = new HashSet<int>();
        foreach (var spec in specs)
        {
            var wanted = new[]
            {
                ("daprHTTPPort", "--dapr-http-port", spec.HttpPort),
                ("daprGRPCPort", "--dapr-grpc-port", spec.GrpcPort),
                ("metricsPort", "--metrics-port", spec.MetricsPort),
            };
            foreach (var (member, flag, port) in wanted)
            {
                if (port > 0 && !all.Add(port))
                    return spec.Error(member, flag, $"is {port}, which is wanted for something else as well");
                if (port > 0 && Try(port) is { } why)
                    return spec.Error(member, flag, $"is {port}, which {why}");
            }
        }
        return null;
    }

    private static string? Try(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return null;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return "another process listens on";
        }
        catch (SocketException e)
        {
            return $"cannot be opened: {e.Message}";
        }
    }
}
