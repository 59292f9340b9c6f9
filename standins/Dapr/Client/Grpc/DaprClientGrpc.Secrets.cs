using Dapr.Common;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.Client;

internal sealed partial class DaprClientGrpc
{
    /// <inheritdoc/>
    public override async Task<Dictionary<string, string>> GetSecretAsync(
        string storeName,
        string key,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        RequireKey(storeName, key);
        var request = new Wire.GetSecretRequest { StoreName = storeName, Key = key };
        Copy(metadata, request.Metadata);
        var answer = await CallAsync(
            _sidecar.GetSecretAsync(request, Options(cancellationToken)),
            "GetSecret"
        );
        return new Dictionary<string, string>(answer.Data);
    }

    /// <inheritdoc/>
    public override async Task<Dictionary<string, Dictionary<string, string>>> GetBulkSecretAsync(
        string storeName,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        var request = new Wire.GetBulkSecretRequest { StoreName = storeName };
        Copy(metadata, request.Metadata);
        var answer = await CallAsync(
            _sidecar.GetBulkSecretAsync(request, Options(cancellationToken)),
            "GetBulkSecret"
        );
        return answer.Data.ToDictionary(
            secret => secret.Key,
            secret => new Dictionary<string, string>(secret.Value.Secrets)
        );
    }

    /// <inheritdoc/>
    [Obsolete("See DaprClient.Lock.")]
    public override async Task<TryLockResponse> Lock(
        string storeName,
        string resourceId,
        string lockOwner,
        int expiryInSeconds,
        CancellationToken cancellationToken = default
    )
    {
        var request = LockCalls.TryLock(storeName, resourceId, lockOwner, expiryInSeconds);
        var answer = await CallAsync(
            _sidecar.TryLockAlpha1Async(request, Options(cancellationToken)),
            "TryLock"
        );
        return new TryLockResponse(this)
        {
            Success = answer.Success,
            StoreName = storeName,
            ResourceId = resourceId,
            LockOwner = lockOwner,
        };
    }

    /// <inheritdoc/>
    [Obsolete("See DaprClient.Unlock.")]
    public override async Task<UnlockResponse> Unlock(
        string storeName,
        string resourceId,
        string lockOwner,
        CancellationToken cancellationToken = default
    )
    {
        var request = LockCalls.Unlock(storeName, resourceId, lockOwner);
        var answer = await CallAsync(
            _sidecar.UnlockAlpha1Async(request, Options(cancellationToken)),
            "Unlock"
        );
        return new UnlockResponse(
            answer.Status switch
            {
                Wire.UnlockResponse.Types.Status.Success => LockStatus.Success,
                Wire.UnlockResponse.Types.Status.LockDoesNotExist => LockStatus.LockDoesNotExist,
                Wire.UnlockResponse.Types.Status.LockBelongsToOthers => LockStatus.LockBelongsToOthers,
                _ => LockStatus.InternalError,
            }
        );
    }
}
