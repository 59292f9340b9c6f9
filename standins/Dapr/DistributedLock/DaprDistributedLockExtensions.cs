using Dapr.Common;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dapr.DistributedLock.Extensions;

/// <summary>What <see cref="DaprDistributedLockExtensions.AddDaprDistributedLock"/> returns.</summary>
public interface IDaprDistributedLockBuilder : IDaprServiceBuilder;

/// <summary>Registers the lock client.</summary>
public static class DaprDistributedLockExtensions
{
    /// <summary>
    /// Registers <see cref="DaprDistributedLockClient"/> and its interface unless there is one.
    /// </summary>
    public static IDaprDistributedLockBuilder AddDaprDistributedLock(
        this IServiceCollection services,
        Action<IServiceProvider, DaprDistributedLockBuilder>? configure = null,
        ServiceLifetime lifetime = ServiceLifetime.Singleton
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAdd(
            new ServiceDescriptor(
                typeof(DaprDistributedLockClient),
                provider =>
                {
                    var builder = new DaprDistributedLockBuilder(provider.GetService<IConfiguration>());
                    configure?.Invoke(provider, builder);
                    return builder.Build();
                },
                lifetime
            )
        );
        services.TryAdd(
            new ServiceDescriptor(
                typeof(IDaprDistributedLockClient),
                provider => provider.GetRequiredService<DaprDistributedLockClient>(),
                lifetime
            )
        );
        return new Builder(services);
    }

    private sealed record Builder(IServiceCollection Services) : IDaprDistributedLockBuilder;
}
