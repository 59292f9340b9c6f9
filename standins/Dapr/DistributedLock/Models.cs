namespace Dapr.DistributedLock.Models;

/// <summary>How a release ended.</summary>
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

/// <summary>The answer to a release.</summary>
public sealed record UnlockResponse(LockStatus Status);

/// <summary>A lock that is held; disposing it releases it.</summary>
public sealed class LockResponse : IAsyncDisposable
{
    private readonly IDaprDistributedLockClient _client;

    internal LockResponse(IDaprDistributedLockClient client) => _client = client;

    /// <summary>What is locked.</summary>
    public required string ResourceId { get; init; }

    /// <summary>Who holds it.</summary>
    public required string LockOwner { get; init; }

    /// <summary>Where it is kept.</summary>
    public required string StoreName { get; init; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _client.TryUnlockAsync(StoreName, ResourceId, LockOwner);
}
