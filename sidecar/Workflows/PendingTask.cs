using System.Globalization;
using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>An activity that waits for its answer; given to workers until one of them answers.</summary>
internal sealed class PendingTask(InstanceKey owner, string executionId, HistoryEvent scheduled)
{
    private int _deliveries;

    public InstanceKey Owner => owner;

    public string ExecutionId => executionId;

    public int TaskId => scheduled.EventId;

    public string TaskExecutionId => scheduled.TaskScheduled.TaskExecutionId;

    /// <summary>True when the run ended in the turn that scheduled this: nobody waits for the
    /// answer.</summary>
    public bool Detached { get; set; }

    /// <summary>The app whose workers run it: the workflow's own unless the action named another.</summary>
    public string TargetAppId =>
        scheduled.Router is { HasTargetAppID: true, TargetAppID.Length: > 0 } router
            ? router.TargetAppID
            : owner.AppId;

    public WorkItem NextDelivery() =>
        new()
        {
            ActivityRequest = new ActivityRequest
            {
                Name = scheduled.TaskScheduled.Name,
                Version = scheduled.TaskScheduled.Version,
                Input = scheduled.TaskScheduled.Input,
                WorkflowInstance = new() { InstanceId = owner.InstanceId, ExecutionId = executionId },
                TaskId = TaskId,
                ParentTraceContext = scheduled.TaskScheduled.ParentTraceContext,
                TaskExecutionId = TaskExecutionId,
            },
            CompletionToken = new ActivityToken(owner.AppId, executionId, TaskId, ++_deliveries).ToString(),
        };
}

/// <summary>
/// The completion token of an activity. It names the run and the task, so that an answer is still understood
/// after the runtime was restarted, and an answer to an earlier run of the same id is known as stale.
/// </summary>
internal readonly record struct ActivityToken(string AppId, string ExecutionId, int TaskId, int Delivery)
{
    private const char Separator = '/';

    public static ActivityToken? Parse(string text) =>
        text.Split(Separator) is [var app, var execution, var task, var delivery]
        && int.TryParse(task, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var taskId)
        && int.TryParse(delivery, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new ActivityToken(app, execution, taskId, number)
            : null;

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{AppId}{Separator}{ExecutionId}{Separator}{TaskId}{Separator}{Delivery}"
        );
}
