using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Souk.Shared.Holds;

/// <summary>Leases from the sidecar's lock store.</summary>
public sealed partial class DaprLeases(Sidecar sidecar, TimeProvider clock, ILogger<DaprLeases> logger)
    : ILeases
{
    private const string Store = "lockstore";
    private const int ExpirySeconds = 5;
    private const int AttemptsMax = 10;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public async Task<IAsyncDisposable?> TryTakeAsync(string name, CancellationToken token)
    {
        var request = new TryLockRequest
        {
            StoreName = Store,
            ResourceId = name,
            LockOwner = Ids.New(clock).ToString(),
            ExpiryInSeconds = ExpirySeconds,
        };
        try
        {
            for (var attempt = 1; attempt <= AttemptsMax; attempt++)
            {
                var reply = await sidecar.Dapr.TryLockAlpha1Async(request, Options(token));
                if (reply.Success)
                    return new Lease(sidecar, request, logger);
                await Task.Delay(Pause * attempt, TimeProvider.System, token);
            }
        }
        catch (RpcException e) when (!token.IsCancellationRequested)
        {
            LogAway(logger, name, e.StatusCode);
        }
        return null;
    }

    private static CallOptions Options(CancellationToken token) =>
        new(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + CallTimeout, cancellationToken: token);

    [LoggerMessage(LogLevel.Warning, "No lease on {Name}: {Code}; the version decides alone")]
    private static partial void LogAway(ILogger logger, string name, StatusCode code);

    private sealed class Lease(Sidecar sidecar, TryLockRequest taken, ILogger logger) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            try
            {
                await sidecar.Dapr.UnlockAlpha1Async(
                    new UnlockRequest
                    {
                        StoreName = taken.StoreName,
                        ResourceId = taken.ResourceId,
                        LockOwner = taken.LockOwner,
                    },
                    Options(CancellationToken.None)
                );
            }
            catch (RpcException e)
            {
                // It expires by itself in a few seconds.
                LogAway(logger, taken.ResourceId, e.StatusCode);
            }
        }
    }
}
