using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.Hosting;
using Souk.Type;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Souk.Shared;

/// <summary>The standard health service; what is healthy says whoever derives from it.</summary>
public abstract class HealthReport(IHostApplicationLifetime lifetime) : Health.HealthBase
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The state of a service, or of the process for an empty name; SERVICE_UNKNOWN for a name not served.
    /// </summary>
    protected abstract ValueTask<Serving> StatusAsync(string service, CancellationToken token);

    /// <inheritdoc/>
    public sealed override async Task<HealthCheckResponse> Check(
        HealthCheckRequest request,
        ServerCallContext context
    )
    {
        var status = await NowAsync(request.Service, context.CancellationToken);
        return status == Serving.ServiceUnknown
            ? throw Fault.NotFound(Reason.ResourceNotFound, request.Service)
            : new HealthCheckResponse { Status = status };
    }

    /// <inheritdoc/>
    public sealed override async Task Watch(
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
        do
        {
            var status = await NowAsync(request.Service, context.CancellationToken);
            if (status != told)
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status });
            told = status;
            await Task.Delay(WatchEvery, TimeProvider.System, ended.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        } while (!ended.IsCancellationRequested);
        // The last thing that a stopping process says, so that nobody calls it any more.
        if (!context.CancellationToken.IsCancellationRequested && told == Serving.Serving)
            await responseStream.WriteAsync(new HealthCheckResponse { Status = Serving.NotServing });
    }

    private async ValueTask<Serving> NowAsync(string service, CancellationToken token)
    {
        var status = await StatusAsync(service, token);
        return status == Serving.Serving && lifetime.ApplicationStopping.IsCancellationRequested
            ? Serving.NotServing
            : status;
    }
}
