using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Protocol = Dapr.DurableTask.Protobuf;

namespace Dapr.Workflow;

/// <summary>An instance as somebody outside sees it.</summary>
public class WorkflowState
{
    private readonly Protocol.WorkflowState? _state;
    private readonly IDaprSerializer _serializer;

    internal WorkflowState(GetInstanceResponse answer, IDaprSerializer serializer)
    {
        _state = answer.Exists ? answer.WorkflowState : null;
        _serializer = serializer;
    }

    /// <summary>The workflow's name.</summary>
    public string? WorkflowName => _state?.Name;

    /// <summary>Whether there is such an instance.</summary>
    public bool Exists => _state is not null;

    /// <summary>Whether it runs right now.</summary>
    public bool IsWorkflowRunning => RuntimeStatus == WorkflowRuntimeStatus.Running;

    /// <summary>Whether it has ended, one way or another.</summary>
    public bool IsWorkflowCompleted =>
        RuntimeStatus
            is WorkflowRuntimeStatus.Completed
                or WorkflowRuntimeStatus.Failed
                or WorkflowRuntimeStatus.Terminated;

    /// <summary>When it was created.</summary>
    public DateTimeOffset CreatedAt => _state?.CreatedTimestamp?.ToDateTimeOffset() ?? default;

    /// <summary>When it last changed.</summary>
    public DateTimeOffset LastUpdatedAt => _state?.LastUpdatedTimestamp?.ToDateTimeOffset() ?? default;

    /// <summary>Where it is in its life. The protocol's numbers are the same.</summary>
    public WorkflowRuntimeStatus RuntimeStatus =>
        _state is null ? WorkflowRuntimeStatus.Unknown : (WorkflowRuntimeStatus)(int)_state.WorkflowStatus;

    /// <summary>Why it failed.</summary>
    public WorkflowTaskFailureDetails? FailureDetails =>
        _state?.FailureDetails is { } failure
            ? new WorkflowTaskFailureDetails(failure.ErrorType, failure.ErrorMessage, failure.StackTrace)
            : null;

    /// <summary>Reads what it was started with, if payloads were asked for.</summary>
    public T? ReadInputAs<T>() => _serializer.Deserialize<T>(_state?.Input);

    /// <summary>Reads what it returned, if payloads were asked for.</summary>
    public T? ReadOutputAs<T>() => _serializer.Deserialize<T>(_state?.Output);

    /// <summary>Reads what it shows of itself, if payloads were asked for.</summary>
    public T? ReadCustomStatusAs<T>() => _serializer.Deserialize<T>(_state?.CustomStatus);
}
