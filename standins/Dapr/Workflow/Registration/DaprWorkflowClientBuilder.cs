using Dapr.Common;
using Dapr.Common.Serialization;
using Microsoft.Extensions.Configuration;

namespace Dapr.Workflow.Registration;

/// <summary>Makes a workflow client.</summary>
public sealed class DaprWorkflowClientBuilder(IConfiguration? configuration = null)
    : DaprGenericClientBuilder<DaprWorkflowClient>(configuration)
{
    internal IDaprSerializer? Serializer { get; set; }

    /// <inheritdoc/>
    public override DaprWorkflowClient Build() =>
        new(BuildChannel(), BuildHeaders(), Serializer ?? new JsonDaprSerializer(JsonSerializerOptions));
}
