namespace Dapr.Client;

/// <summary>How a release of a lock ended.</summary>
public enum LockStatus
{
    /// <summary>Released.</summary>
    Success,

    /// <summary>Nobody held it.</summary>
    LockDoesNotExist,

    /// <summary>Somebody else holds it.</summary>
    LockBelongsToOthers,

    /// <summary>The store failed.</summary>
    InternalError,
}

/// <summary>The answer to <see cref="DaprClient.Lock"/>; disposing it releases the lock.</summary>
public sealed class TryLockResponse : IAsyncDisposable
{
    private readonly DaprClient _client;

    internal TryLockResponse(DaprClient client) => _client = client;

    /// <summary>Whether the lock was taken.</summary>
    public bool Success { get; init; }

    /// <summary>What is locked.</summary>
    public required string ResourceId { get; init; }

    /// <summary>Who holds it.</summary>
    public required string LockOwner { get; init; }

    /// <summary>Where it is kept.</summary>
    public required string StoreName { get; init; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!Success)
            return;
#pragma warning disable CS0618 // the obsolete twin of the obsolete method that made this object
        await _client.Unlock(StoreName, ResourceId, LockOwner);
#pragma warning restore CS0618
    }
}

/// <summary>The answer to <see cref="DaprClient.Unlock"/>.</summary>
public class UnlockResponse(LockStatus status)
{
    /// <summary>How it ended. Lower case as in the official SDK.</summary>
#pragma warning disable IDE1006
    public LockStatus status { get; set; } = status;
#pragma warning restore IDE1006
}
