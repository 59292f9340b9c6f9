using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>A turn as a test's workflow reads it, and the actions that it may answer with.</summary>
internal sealed class Replay(WorkflowRequest request)
{
    public WorkflowRequest Request => request;

    public List<HistoryEvent> Events { get; } = [.. request.PastEvents, .. request.NewEvents];

    public ExecutionStartedEvent Started =>
        Events.First(e => e.ExecutionStarted is not null).ExecutionStarted;

    public string Name => Started.Name;

    public string Input => Started.Input ?? "";

    public bool IsFirst => request.PastEvents.Count == 0;

    public DateTimeOffset Now =>
        request.NewEvents.First(e => e.WorkflowStarted is not null).Timestamp.ToDateTimeOffset();

    public bool IsScheduled(int id) => Events.Exists(e => e.EventId == id && e.TaskScheduled is not null);

    public bool IsDone(int id) => ResultOf(id) is not null || FailureOf(id) is not null;

    public string? ResultOf(int id) =>
        Events.Find(e => e.TaskCompleted?.TaskScheduledId == id)?.TaskCompleted.Result;

    public TaskFailureDetails? FailureOf(int id) =>
        Events.Find(e => e.TaskFailed?.TaskScheduledId == id)?.TaskFailed.FailureDetails;

    public string? ChildResultOf(int id) =>
        Events
            .Find(e => e.ChildWorkflowInstanceCompleted?.TaskScheduledId == id)
            ?.ChildWorkflowInstanceCompleted.Result;

    public TaskFailureDetails? ChildFailureOf(int id) =>
        Events
            .Find(e => e.ChildWorkflowInstanceFailed?.TaskScheduledId == id)
            ?.ChildWorkflowInstanceFailed.FailureDetails;

    public bool IsFired(int id) => Events.Exists(e => e.TimerFired?.TimerId == id);

    public List<string> Raised(string name) =>
        [
            .. Events
                .Where(e => string.Equals(e.EventRaised?.Name, name, StringComparison.OrdinalIgnoreCase))
                .Select(e => e.EventRaised.Input ?? ""),
        ];

    public static WorkflowAction Task(int id, string name, string? input = null) =>
        new()
        {
            Id = id,
            ScheduleTask = new() { Name = name, Input = input },
        };

    public static WorkflowAction Timer(int id, DateTimeOffset due) =>
        new()
        {
            Id = id,
            CreateTimer = new() { FireAt = due.ToTimestamp() },
        };

    public static WorkflowAction Child(int id, string name, string? input = null, string instanceId = "") =>
        new()
        {
            Id = id,
            CreateChildWorkflow = new()
            {
                Name = name,
                Input = input,
                InstanceId = instanceId,
            },
        };

    public static WorkflowAction Send(int id, string instanceId, string name, string data) =>
        new()
        {
            Id = id,
            SendEvent = new()
            {
                Instance = new() { InstanceId = instanceId },
                Name = name,
                Data = data,
            },
        };

    public static WorkflowAction Done(string? result, int id = 9_000) =>
        new()
        {
            Id = id,
            CompleteWorkflow = new() { WorkflowStatus = OrchestrationStatus.Completed, Result = result },
        };

    public static WorkflowAction Fail(string message, string? stackTrace = null) =>
        new()
        {
            Id = 9_000,
            CompleteWorkflow = new()
            {
                WorkflowStatus = OrchestrationStatus.Failed,
                FailureDetails = new()
                {
                    ErrorType = "TestFailure",
                    ErrorMessage = message,
                    StackTrace = stackTrace,
                },
            },
        };

    public static WorkflowAction Again(string input, IEnumerable<HistoryEvent>? carryover = null)
    {
        var complete = new CompleteWorkflowAction
        {
            WorkflowStatus = OrchestrationStatus.ContinuedAsNew,
            Result = input,
        };
        complete.CarryoverEvents.AddRange(carryover ?? []);
        return new() { Id = 9_000, CompleteWorkflow = complete };
    }
}
