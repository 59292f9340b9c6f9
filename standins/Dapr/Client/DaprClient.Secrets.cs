namespace Dapr.Client;

public abstract partial class DaprClient
{
    private const string LockNotice =
        "Distributed locks are an alpha API; Dapr.DistributedLock is their client.";

    /// <summary>Reads one secret: its parts by name.</summary>
    public abstract Task<Dictionary<string, string>> GetSecretAsync(
        string storeName,
        string key,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads every secret that the app may see.</summary>
    public abstract Task<Dictionary<string, Dictionary<string, string>>> GetBulkSecretAsync(
        string storeName,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Takes a lock if nobody holds it.</summary>
    [Obsolete(LockNotice)]
    public abstract Task<TryLockResponse> Lock(
        string storeName,
        string resourceId,
        string lockOwner,
        int expiryInSeconds,
        CancellationToken cancellationToken = default
    );

    /// <summary>Releases a lock.</summary>
    [Obsolete(LockNotice)]
    public abstract Task<UnlockResponse> Unlock(
        string storeName,
        string resourceId,
        string lockOwner,
        CancellationToken cancellationToken = default
    );
}
