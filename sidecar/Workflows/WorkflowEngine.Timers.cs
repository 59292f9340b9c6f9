using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>What happens by the clock. Timers live in the log; the queue in memory is derived from
/// it.</summary>
internal sealed partial class WorkflowEngine
{
    private void Arm(Run run, HistoryEvent created)
    {
        if (run.Ended is null && Times.Instant(created.TimerCreated.FireAt) is { } due)
        {
            AddTimer(run, TimerKind.Workflow, due, created.EventId);
        }
    }

    /// <summary>Holds the run's first turn back until the time that its start was scheduled for.</summary>
    private void AwaitStart(Run run)
    {
        if (run.Started.ScheduledStartTimestamp is not { } scheduled)
        {
            return;
        }
        var due = Times.Instant(scheduled);
        run.WaitsForStart = due is null || due > Now;
        if (run.WaitsForStart && due is { } time)
        {
            AddTimer(run, TimerKind.Start, time);
        }
    }

    private void AddTimer(Run run, TimerKind kind, DateTimeOffset due, int timerId = 0) =>
        _timers.Add(new DueTimer(run.Key, run.ExecutionId, kind, timerId), due);

    private void OnDue(IReadOnlyList<DueTimer> due)
    {
        lock (_gate)
        {
            var commit = new Commit();
            foreach (var timer in due)
            {
                if (FindActive(timer.Key) is { } run && run.ExecutionId == timer.ExecutionId)
                {
                    Fire(commit, run, timer);
                }
            }
            if (commit.Records.Count > 0)
            {
                _ = Submit(commit);
            }
            Pump();
        }
    }

    private void Fire(Commit commit, Run run, DueTimer timer)
    {
        switch (timer.Kind)
        {
            case TimerKind.Workflow when run.Timers.TryGetValue(timer.TimerId, out var created):
                Deliver(
                    commit,
                    run,
                    HistoryEvents.TimerFired(timer.TimerId, created.TimerCreated.FireAt, Now)
                );
                break;
            case TimerKind.Start:
                run.WaitsForStart = false;
                QueueTurn(run);
                break;
            case TimerKind.TerminateGrace when run.Terminating:
                EndByForce(commit, run);
                break;
        }
    }

    private bool IsLive(DueTimer timer) =>
        FindActive(timer.Key) is { } run
        && run.ExecutionId == timer.ExecutionId
        && (timer.Kind != TimerKind.Workflow || run.Timers.ContainsKey(timer.TimerId));
}
