using System.Globalization;
using Souk.Bench.Sidecar;

namespace Souk.Bench.Gateway;

/// <summary>The real gateway as a process, in front of a port that speaks gRPC.</summary>
internal sealed class GatewayProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ChildProcess _process;

    private GatewayProcess(ChildProcess process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public TimeSpan Cpu => _process.Cpu;

    public int Id => _process.Id;

    /// <summary>Starts it; returns before it listens.</summary>
    /// <param name="backendPort">The sidecar's port, or that of a service that takes its place.</param>
    /// <param name="cacheMb">Memory for replies; 0 asks the service each time.</param>
    public static GatewayProcess Start(int backendPort, int cacheMb)
    {
        var port = SidecarUnderTest.FreePort();
        var environment = new Dictionary<string, string>
        {
            ["SOUK_GATEWAY_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["DAPR_GRPC_PORT"] = backendPort.ToString(CultureInfo.InvariantCulture),
            ["SOUK_GATEWAY_CACHE_MB"] = cacheMb.ToString(CultureInfo.InvariantCulture),
            // Its own limits must not be what is measured.
            ["SOUK_GATEWAY_RATE_PER_ADDRESS"] = "1000000",
            ["SOUK_LOG_LEVEL"] = "Warning",
        };
        return new GatewayProcess(ChildProcess.Start("Gateway.dll", [], environment), port);
    }

    public async Task ReadyAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        while (true)
        {
            try
            {
                var url = new Uri($"http://127.0.0.1:{Port}/health");
                if ((await http.GetAsync(url, patience.Token)).IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not there yet.
                await Task.Delay(100, patience.Token);
            }
        }
    }

    public void Dispose() => _process.Dispose();
}
