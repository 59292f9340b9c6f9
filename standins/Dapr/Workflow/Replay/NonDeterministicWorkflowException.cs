namespace Dapr.Workflow.Replay;

/// <summary>The code no longer does what the history says it did.</summary>
internal sealed class NonDeterministicWorkflowException(string message) : Exception(message);
