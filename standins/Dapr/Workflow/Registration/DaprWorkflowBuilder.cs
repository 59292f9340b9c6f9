using System.Text.Json;
using Dapr.Common;
using Dapr.Common.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dapr.Workflow;

/// <summary>Goes on configuring workflows after they were registered.</summary>
public sealed class DaprWorkflowBuilder : IDaprServiceBuilder
{
    internal DaprWorkflowBuilder(IServiceCollection services) => Services = services;

    /// <inheritdoc/>
    public IServiceCollection Services { get; }

    /// <summary>Replaces how payloads become text.</summary>
    public DaprWorkflowBuilder WithSerializer(IDaprSerializer serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        Services.Replace(ServiceDescriptor.Singleton(serializer));
        return this;
    }

    /// <summary>Sets the rules by which payloads become JSON.</summary>
    public DaprWorkflowBuilder WithJsonSerializer(JsonSerializerOptions jsonOptions) =>
        WithSerializer(new JsonDaprSerializer(jsonOptions));
}
