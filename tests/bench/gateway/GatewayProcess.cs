using System.Globalization;

namespace Souk.Bench.Gateway;

/// <summary>The real gateway as a process, in front of a port that speaks gRPC.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private GatewayProcess(ChildProcess process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public TimeSpan Cpu => _process.Cpu;

    /// <summary>Starts it; returns before it listens.</summary>
    /// <param name="backendPort">The sidecar's port, or that of a service that takes its place.</param>
    /// <param name="cacheMb">Memory for replies; 0 asks the service each time.</param>
    public static GatewayProcess Start(int backendPort, int cacheMb)
    {
        var port = FreePorts.One();
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

    /// <summary>Returns once it answers.</summary>
    public Task ReadyAsync(CancellationToken cancellation) =>
        _process.UntilHealthyAsync(new Uri($"http://127.0.0.1:{Port}/health"), cancellation);

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
