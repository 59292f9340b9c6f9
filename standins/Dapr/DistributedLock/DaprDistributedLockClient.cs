using Dapr.Common;
using Dapr.DistributedLock.Models;

namespace Dapr.DistributedLock;

/// <summary>Takes and releases leased locks.</summary>
public interface IDaprDistributedLockClient : IDaprClient
{
    /// <summary>Takes a lock if nobody holds it; null when somebody does.</summary>
    Task<LockResponse?> TryLockAsync(
        string storeName,
        string resourceId,
        string lockOwner,
        int expiryInSeconds,
        CancellationToken cancellationToken = default
    );

    /// <summary>Releases a lock.</summary>
    Task<UnlockResponse> TryUnlockAsync(
        string storeName,
        string resourceId,
        string lockOwner,
        CancellationToken cancellationToken = default
    );
}

/// <summary>The base of lock clients.</summary>
public abstract class DaprDistributedLockClient : IDaprDistributedLockClient
{
    /// <inheritdoc/>
    public abstract Task<LockResponse?> TryLockAsync(
        string storeName,
        string resourceId,
        string lockOwner,
        int expiryInSeconds,
        CancellationToken cancellationToken = default
    );

    /// <inheritdoc/>
    public abstract Task<UnlockResponse> TryUnlockAsync(
        string storeName,
        string resourceId,
        string lockOwner,
        CancellationToken cancellationToken = default
    );

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes connections.</summary>
    protected virtual void Dispose(bool disposing) { }
}
