using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Shared;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Souk.Gateway.Grpc;

/// <summary>
/// The gateway's own health under the empty name, and that of each public service under its name, as the app
/// that serves it tells it.
/// </summary>
internal sealed class GatewayHealth(
    Contracts contracts,
    Readiness readiness,
    IHostApplicationLifetime lifetime
) : HealthReport(lifetime)
{
    private readonly Dictionary<string, string> _apps = contracts
        .Rpcs.Where(rpc => rpc.IsExposed)
        .DistinctBy(rpc => rpc.Service, StringComparer.Ordinal)
        .ToDictionary(rpc => rpc.Service, rpc => rpc.AppId, StringComparer.Ordinal);

    protected override async ValueTask<Serving> StatusAsync(string service, CancellationToken token)
    {
        if (service.Length == 0)
            return Serving.Serving;
        if (!_apps.TryGetValue(service, out var app))
            return Serving.ServiceUnknown;
        return await readiness.IsReadyAsync(app, token) ? Serving.Serving : Serving.NotServing;
    }
}
