using Dapr.Common;
using Dapr.DistributedLock.Models;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.DistributedLock;

/// <summary>The one implementation, over the sidecar's alpha lock API.</summary>
internal sealed class DaprDistributedLockGrpcClient(GrpcChannel channel, Metadata headers)
    : DaprDistributedLockClient
{
    private readonly Wire.Dapr.DaprClient _sidecar = new(channel);

    /// <inheritdoc/>
    public override async Task<LockResponse?> TryLockAsync(
        string storeName,
        string resourceId,
        string lockOwner,
        int expiryInSeconds,
        CancellationToken cancellationToken = default
    )
    {
        var request = LockCalls.TryLock(storeName, resourceId, lockOwner, expiryInSeconds);
        try
        {
            var answer = await _sidecar.TryLockAlpha1Async(
                request,
                headers,
                cancellationToken: cancellationToken
            );
            if (!answer.Success)
                return null;
        }
        catch (RpcException failure)
        {
            throw Failed("TryLock", failure);
        }
        return new LockResponse(this)
        {
            StoreName = storeName,
            ResourceId = resourceId,
            LockOwner = lockOwner,
        };
    }

    /// <inheritdoc/>
    public override async Task<UnlockResponse> TryUnlockAsync(
        string storeName,
        string resourceId,
        string lockOwner,
        CancellationToken cancellationToken = default
    )
    {
        var request = LockCalls.Unlock(storeName, resourceId, lockOwner);
        try
        {
            var answer = await _sidecar.UnlockAlpha1Async(
                request,
                headers,
                cancellationToken: cancellationToken
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
        catch (RpcException failure)
        {
            throw Failed("Unlock", failure);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            channel.Dispose();
        base.Dispose(disposing);
    }

    private static DaprException Failed(string method, RpcException failure) =>
        new($"The sidecar refused {method}: {failure.StatusCode}, {failure.Status.Detail}", failure);
}
