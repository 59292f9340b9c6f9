using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kind = Dapr.DurableTask.Protobuf.WorkflowAction.WorkflowActionTypeOneofCase;

namespace Dapr.Workflow.Replay;

/// <summary>Requests, and what the history says about them.</summary>
internal sealed partial class ReplayContext
{
    /// <summary>What no earlier turn has asked for, in the order of the workflow's code.</summary>
    internal IEnumerable<WorkflowAction> NewActions() =>
        _steps.Select(step => step.Action).OfType<WorkflowAction>();

    /// <summary>The id after the last request; the completion of the run takes it.</summary>
    internal int NextId => _steps.Count;

    /// <summary>The history shows that a request was taken: the code must have made the same one.</summary>
    internal void Confirm(int id, Kind kind, string? name)
    {
        var step = id >= 0 && id < _steps.Count ? _steps[id] : null;
        if (step is null)
            throw new NonDeterministicWorkflowException(
                $"The history has {kind} '{name}' as step {id}, which the code has not reached."
            );
        var sameName = name is null || string.Equals(step.Name, name, StringComparison.OrdinalIgnoreCase);
        if (step.Kind != kind || !sameName)
            throw new NonDeterministicWorkflowException(
                $"The history has {kind} '{name}' as step {id}, the code asks for {step.Kind} '{step.Name}'."
            );
        step.Action = null;
    }

    /// <summary>
    /// The history shows how a request ended. A late end, of something already settled, changes nothing.
    /// </summary>
    internal void Settle(int id, HistoryEvent end)
    {
        if (id >= _steps.Count)
            _early[id] = end;
        else if (id >= 0)
            Settle(_steps[id], end);
    }

    private static void Settle(Step step, HistoryEvent end)
    {
        switch (end.EventTypeCase)
        {
            case HistoryEvent.EventTypeOneofCase.TaskCompleted:
                step.Task?.Complete(end.TaskCompleted.Result);
                break;
            case HistoryEvent.EventTypeOneofCase.TaskFailed:
                step.Task?.Fail(Failures.Caught(step.Name, end.TaskFailed.FailureDetails));
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceCompleted:
                step.Task?.Complete(end.ChildWorkflowInstanceCompleted.Result);
                break;
            case HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceFailed:
                step.Task?.Fail(Failures.Caught(step.Name, end.ChildWorkflowInstanceFailed.FailureDetails));
                break;
            case HistoryEvent.EventTypeOneofCase.TimerFired:
                step.Task?.Complete(null);
                break;
            default:
                throw new NonDeterministicWorkflowException($"{end.EventTypeCase} ends no step.");
        }
    }

    private DurableTask<T> NewTask<T>()
    {
        _outstanding++;
        var task = new DurableTask<T>(serializer);
        task.Settled = () => _outstanding--;
        return task;
    }

    private Step Add(string name, WorkflowAction action, DurableTask? task)
    {
        action.Id = _steps.Count;
        var step = new Step(name, action, task);
        _steps.Add(step);
        if (_early.Remove(action.Id, out var end))
            Settle(step, end);
        return step;
    }

    private DurableTask<Payload.Nothing> AddTimer(DateTime fireAt, Action<CreateTimerAction> describe)
    {
        var timer = new CreateTimerAction
        {
            FireAt = Timestamp.FromDateTime(
                fireAt.Kind == DateTimeKind.Unspecified
                    ? DateTime.SpecifyKind(fireAt, DateTimeKind.Utc)
                    : fireAt.ToUniversalTime()
            ),
        };
        describe(timer);
        var task = NewTask<Payload.Nothing>();
        var step = Add("timer", new WorkflowAction { CreateTimer = timer }, task);
        // Cancelled in the very turn that made it: the engine need not hear of it.
        After(task, () => step.Action = null);
        return task;
    }
}
