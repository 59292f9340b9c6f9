using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Souk.Type;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Souk.Shared;

/// <summary>
/// SERVING while the database answers, the sidecar is ready for outgoing calls and the process is not
/// stopping. The answer is kept for a second: probes must not become load.
/// </summary>
internal sealed class HealthService(
    Sidecar sidecar,
    ServedNames served,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    Db? db = null
) : Health.HealthBase
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);

    private (Serving Status, DateTimeOffset At) _last = (Serving.Unknown, DateTimeOffset.MinValue);

    public override async Task<HealthCheckResponse> Check(
        HealthCheckRequest request,
        ServerCallContext context
    ) =>
        request.Service.Length == 0 || served.Contains(request.Service)
            ? new HealthCheckResponse { Status = await StatusAsync(context.CancellationToken) }
            : throw Fault.NotFound(Reason.ResourceNotFound, request.Service);

    public override async Task Watch(
        HealthCheckRequest request,
        IServerStreamWriter<HealthCheckResponse> responseStream,
        ServerCallContext context
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken,
            lifetime.ApplicationStopping
        );
        var told = Serving.Unknown;
        while (!ended.IsCancellationRequested)
        {
            var status =
                request.Service.Length == 0 || served.Contains(request.Service)
                    ? await StatusAsync(context.CancellationToken)
                    : Serving.ServiceUnknown;
            if (status != told)
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status }, ended.Token);
            told = status;
            await Task.Delay(Kept, TimeProvider.System, ended.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Serving> StatusAsync(CancellationToken token)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return Serving.NotServing;
        var (status, at) = _last;
        if (clock.GetUtcNow() - at < Kept)
            return status;
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(token);
        limited.CancelAfter(ProbeTimeout);
        var healthy = await sidecar.IsHealthyAsync(token) && await DatabaseAnswersAsync(limited.Token);
        _last = (healthy ? Serving.Serving : Serving.NotServing, clock.GetUtcNow());
        return _last.Status;
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
