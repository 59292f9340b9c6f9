using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Souk.Sidecar.Workflows;

/// <summary>The state of an instance as clients see it; never changes once made.</summary>
internal sealed record RunView(InstanceKey Key, ExecutionStartedEvent Started)
{
    public required OrchestrationStatus Status { get; init; }

    public required ExecutionCompletedEvent? Ended { get; init; }

    public required string? CustomStatus { get; init; }

    public required Timestamp CreateTime { get; init; }

    public required Timestamp UpdateTime { get; init; }

    public bool IsTerminal => StatusNames.IsTerminal(Status);

    /// <summary>Roughly what keeping this view costs in memory.</summary>
    public int Weight => 512 + (2 * ((Started.Input?.Length ?? 0) + (Ended?.Result?.Length ?? 0)));

    public WorkflowState ToState(bool withPayloads)
    {
        var state = new WorkflowState
        {
            InstanceId = Key.InstanceId,
            Name = Started.Name,
            Version = Started.Version,
            WorkflowStatus = Status,
            ScheduledStartTimestamp = Started.ScheduledStartTimestamp,
            CreatedTimestamp = CreateTime,
            LastUpdatedTimestamp = UpdateTime,
            ExecutionId = Started.WorkflowInstance.ExecutionId,
            CompletedTimestamp = IsTerminal ? UpdateTime : null,
            ParentInstanceId = Started.ParentInstance?.WorkflowInstance.InstanceId,
        };
        state.Tags.Add(Started.Tags);
        if (withPayloads)
        {
            state.Input = Started.Input;
            state.Output = Ended?.Result;
            state.CustomStatus = CustomStatus;
            state.FailureDetails = Ended?.FailureDetails;
        }
        return state;
    }
}
