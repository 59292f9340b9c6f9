using System.Globalization;
using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// The past that a rerun begins with: what the source did up to and including the turn that decided the
/// chosen event. A pure decision; whatever that past leaves unanswered is done again.
/// </summary>
internal sealed record RerunHistory(HistoryEvent Started, IReadOnlyList<HistoryEvent> Turn)
{
    public static RerunHistory Of(
        Run source,
        RerunWorkflowFromEventRequest request,
        string newId,
        DateTimeOffset now
    )
    {
        var target = source.History.FindIndex(e => IsDecision(e) && e.EventId == request.EventID);
        if (target < 0)
        {
            throw WorkflowFault.NoEvent(source.Key.InstanceId, request.EventID);
        }
        // Cut after the turn, not after the event: what was decided beside it runs beside it again.
        var end = source.History.FindIndex(target, e => e.WorkflowStarted is not null);
        var kept = source.History.GetRange(0, end < 0 ? source.History.Count : end);
        var chosen = kept[target].Clone();
        Overwrite(chosen, request);
        kept[target] = chosen;
        var turn = kept.Where(IsCopied).ToList();
        RenameChildren(turn, request, newId);
        return new RerunHistory(HistoryEvents.Started(StartOf(source, newId, now), now), turn);
    }

    private static bool IsDecision(HistoryEvent e) =>
        e.EventTypeCase
            is HistoryEvent.EventTypeOneofCase.TaskScheduled
                or HistoryEvent.EventTypeOneofCase.TimerCreated
                or HistoryEvent.EventTypeOneofCase.ChildWorkflowInstanceCreated;

    // The start is made anew; how the source ended is what the rerun is to do otherwise.
    private static bool IsCopied(HistoryEvent e) =>
        e.ExecutionStarted is null && e.ExecutionCompleted is null && e.ExecutionTerminated is null;

    private static void Overwrite(HistoryEvent chosen, RerunWorkflowFromEventRequest request)
    {
        if (request.HasNewChildWorkflowInstanceID && chosen.ChildWorkflowInstanceCreated is null)
        {
            throw WorkflowFault.NotRerun($"event '{request.EventID}' starts no child to give an id to");
        }
        if (!request.OverwriteInput)
        {
            return;
        }
        if (chosen.TaskScheduled is { } task)
        {
            task.Input = request.Input;
        }
        else if (chosen.ChildWorkflowInstanceCreated is { } child)
        {
            child.Input = request.Input;
        }
        else
        {
            throw WorkflowFault.NotRerun($"cannot write input to timer event '{request.EventID}'");
        }
    }

    // A child that runs again is another instance than the source's; one that is not run again stays what it
    // was.
    private static void RenameChildren(
        List<HistoryEvent> turn,
        RerunWorkflowFromEventRequest request,
        string newId
    )
    {
        var ended = turn.Select(e =>
                e.ChildWorkflowInstanceCompleted?.TaskScheduledId
                ?? e.ChildWorkflowInstanceFailed?.TaskScheduledId
            )
            .ToHashSet();
        for (var i = 0; i < turn.Count; i++)
        {
            if (turn[i].ChildWorkflowInstanceCreated is null || ended.Contains(turn[i].EventId))
            {
                continue;
            }
            turn[i] = turn[i].Clone();
            turn[i].ChildWorkflowInstanceCreated.InstanceId =
                turn[i].EventId == request.EventID && request.HasNewChildWorkflowInstanceID
                    ? request.NewChildWorkflowInstanceID
                    : string.Create(CultureInfo.InvariantCulture, $"{newId}:{turn[i].EventId:x4}");
        }
    }

    private static ExecutionStartedEvent StartOf(Run source, string newId, DateTimeOffset now)
    {
        var started = source.Started.Clone();
        started.WorkflowInstance = new()
        {
            InstanceId = newId,
            ExecutionId = TurnOutcome.NewExecutionId(now),
        };
        started.ScheduledStartTimestamp = null;
        return started;
    }
}
