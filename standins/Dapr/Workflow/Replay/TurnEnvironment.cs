using Dapr.Common.Serialization;
using Microsoft.Extensions.Logging;

namespace Dapr.Workflow.Replay;

/// <summary>What all turns of a worker share.</summary>
internal sealed record TurnEnvironment(
    WorkflowRuntimeOptions Registry,
    IDaprSerializer Serializer,
    ILoggerFactory Loggers
);
