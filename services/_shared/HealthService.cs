using Microsoft.Extensions.Hosting;
using Npgsql;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Souk.Shared;

/// <summary>
/// SERVING while the database and what else the service needs answer, the sidecar is ready for outgoing calls
/// and the process is not stopping. The answer is kept for a second: probes must not become load.
/// </summary>
internal sealed class HealthService(
    Sidecar sidecar,
    ServedNames served,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    IEnumerable<IDependency> dependencies,
    Db? db = null
) : HealthReport(lifetime)
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);

    private (Serving Status, DateTimeOffset At) _last = (Serving.Unknown, DateTimeOffset.MinValue);

    protected override async ValueTask<Serving> StatusAsync(string service, CancellationToken token) =>
        service.Length == 0 || served.Contains(service) ? await StatusAsync(token) : Serving.ServiceUnknown;

    private async Task<Serving> StatusAsync(CancellationToken token)
    {
        var (status, at) = _last;
        if (clock.GetUtcNow() - at < Kept)
            return status;
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(token);
        limited.CancelAfter(ProbeTimeout);
        var healthy =
            await sidecar.IsHealthyAsync(token)
            && await DatabaseAnswersAsync(limited.Token)
            && await DependenciesAnswerAsync(limited.Token);
        _last = (healthy ? Serving.Serving : Serving.NotServing, clock.GetUtcNow());
        return _last.Status;
    }

    private async Task<bool> DependenciesAnswerAsync(CancellationToken token)
    {
        foreach (var dependency in dependencies)
        {
            if (!await dependency.AnswersAsync(token))
                return false;
        }
        return true;
    }

    private async Task<bool> DatabaseAnswersAsync(CancellationToken token)
    {
        if (db is null)
            return true;
        try
        {
            return await db.ScalarAsync<int>("select 1", [], token) == 1;
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
        {
            return false;
        }
    }
}

/// <summary>Full names of the services that this process serves.</summary>
internal sealed class ServedNames(IEnumerable<string> names)
{
    private readonly HashSet<string> _names = [.. names];

    internal bool Contains(string name) => _names.Contains(name);
}
