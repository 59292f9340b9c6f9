using Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.Common;

/// <summary>The lock requests, which two clients send.</summary>
internal static class LockCalls
{
    internal static TryLockRequest TryLock(
        string storeName,
        string resourceId,
        string lockOwner,
        int expiryInSeconds
    )
    {
        Require(storeName, resourceId, lockOwner);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(expiryInSeconds);
        return new TryLockRequest
        {
            StoreName = storeName,
            ResourceId = resourceId,
            LockOwner = lockOwner,
            ExpiryInSeconds = expiryInSeconds,
        };
    }

    internal static UnlockRequest Unlock(string storeName, string resourceId, string lockOwner)
    {
        Require(storeName, resourceId, lockOwner);
        return new UnlockRequest
        {
            StoreName = storeName,
            ResourceId = resourceId,
            LockOwner = lockOwner,
        };
    }

    private static void Require(string storeName, string resourceId, string lockOwner)
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        ArgumentException.ThrowIfNullOrEmpty(resourceId);
        ArgumentException.ThrowIfNullOrEmpty(lockOwner);
    }
}
