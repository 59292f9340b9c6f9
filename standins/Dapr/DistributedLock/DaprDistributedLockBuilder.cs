using Dapr.Common;
using Microsoft.Extensions.Configuration;

namespace Dapr.DistributedLock;

/// <summary>Makes a lock client.</summary>
public sealed class DaprDistributedLockBuilder(IConfiguration? configuration = null)
    : DaprGenericClientBuilder<DaprDistributedLockClient>(configuration)
{
    /// <inheritdoc/>
    public override DaprDistributedLockClient Build() =>
        new DaprDistributedLockGrpcClient(BuildChannel(), BuildHeaders());
}
