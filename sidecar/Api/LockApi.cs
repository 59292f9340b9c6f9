using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Sidecar.Locks;

namespace Souk.Sidecar.Api;

/// <summary>Locks, whatever the caller speaks.</summary>
internal static class LockApi
{
    public static async Task<TryLockResponse> TryLockAsync(
        SidecarApp app,
        TryLockRequest request,
        CancellationToken cancellation
    )
    {
        // The expiry is checked before the store's name, as Dapr does.
        if (request.ExpiryInSeconds <= 0)
            throw Malformed(app, $"ExpiryInSeconds is not positive in lock store {request.StoreName}");
        Require(app, request.ResourceId, request.LockOwner, request.StoreName);
        var store = StoreOf(app, request.StoreName);
        var key = store.KeyOf(app, request.ResourceId);
        try
        {
            var locked = await store.TryLockAsync(
                key,
                request.LockOwner,
                request.ExpiryInSeconds,
                cancellation
            );
            return new TryLockResponse { Success = locked };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw DaprFault.Bare(
                app,
                StatusCode.Internal,
                500,
                "ERR_TRY_LOCK",
                $"failed to try acquiring lock: {e.Message}"
            );
        }
    }

    public static async Task<UnlockResponse> UnlockAsync(
        SidecarApp app,
        UnlockRequest request,
        CancellationToken cancellation
    )
    {
        Require(app, request.ResourceId, request.LockOwner, request.StoreName);
        var store = StoreOf(app, request.StoreName);
        var key = store.KeyOf(app, request.ResourceId);
        try
        {
            var status = await store.UnlockAsync(key, request.LockOwner, cancellation) switch
            {
                UnlockResult.Released => UnlockResponse.Types.Status.Success,
                UnlockResult.Missing => UnlockResponse.Types.Status.LockDoesNotExist,
                _ => UnlockResponse.Types.Status.LockBelongsToOthers,
            };
            return new UnlockResponse { Status = status };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw DaprFault.Bare(
                app,
                StatusCode.Internal,
                500,
                "ERR_UNLOCK",
                $"failed to release lock: {e.Message}"
            );
        }
    }

    private static void Require(SidecarApp app, string resource, string owner, string store)
    {
        if (resource.Length == 0)
            throw Malformed(app, $"ResourceId is empty in lock store {store}");
        if (owner.Length == 0)
            throw Malformed(app, $"LockOwner is empty in lock store {store}");
    }

    private static RedisLock StoreOf(SidecarApp app, string name)
    {
        if (app.Components.Locks.Count == 0)
            throw DaprFault.Bare(
                app,
                StatusCode.FailedPrecondition,
                500,
                "ERR_LOCK_STORE_NOT_CONFIGURED",
                "lock store is not configured"
            );
        return app.Components.Lock(name)
            ?? throw DaprFault.Bare(
                app,
                StatusCode.InvalidArgument,
                400,
                "ERR_LOCK_STORE_NOT_FOUND",
                $"lock store {name} not found"
            );
    }

    private static DaprException Malformed(SidecarApp app, string message) =>
        DaprFault.Bare(app, StatusCode.InvalidArgument, 400, "ERR_MALFORMED_REQUEST", message);
}
