using Dapr.DurableTask.Protobuf;

namespace Dapr.Workflow.Replay;

/// <summary>One thing that the workflow asked for. Its id is its position among all of them.</summary>
internal sealed class Step(string name, WorkflowAction action, DurableTask? task)
{
    /// <summary>What it is called, for messages and for the comparison with the history.</summary>
    internal string Name { get; } = name;

    internal WorkflowAction.WorkflowActionTypeOneofCase Kind { get; } = action.WorkflowActionTypeCase;

    /// <summary>
    /// What to ask the engine for; null once the history shows that it was asked, or if it was taken back.
    /// </summary>
    internal WorkflowAction? Action { get; set; } = action;

    /// <summary>What waits for its end; null when nothing does.</summary>
    internal DurableTask? Task { get; } = task;
}
