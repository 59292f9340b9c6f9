using Microsoft.Extensions.DependencyInjection;

namespace Dapr.Common;

/// <summary>What the registration methods return, to go on configuring.</summary>
public interface IDaprServiceBuilder
{
    /// <summary>The collection being configured.</summary>
    IServiceCollection Services { get; }
}
