using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>Workers and activities: at least once, the first answer counts.</summary>
internal sealed partial class WorkflowEngine
{
    /// <summary>A worker connected; it is given work from now on.</summary>
    public Worker Attach(WorkflowApp app, WorkerLimits limits)
    {
        var worker = new Worker(app.AppId, limits);
        lock (_gate)
        {
            ThrowIfLost(app);
            // A new worker may know the versions that the others lacked, or answer in fewer words.
            foreach (var run in app.Runs.Values.Where(r => r.Stalled))
            {
                run.Stalled = false;
                QueueTurn(run);
            }
            QueueOf(app.AppId).Attach(worker);
            Pump();
        }
        return worker;
    }

    /// <summary>A worker is gone: what it did not answer is given to others, under new tokens.</summary>
    public void Detach(Worker worker)
    {
        lock (_gate)
        {
            foreach (var assignment in QueueOf(worker.AppId).Detach(worker))
            {
                if (assignment.Task is { } task)
                {
                    Dispatch(task);
                }
                else if (assignment.Run is { } run && ReferenceEquals(run.Turn, assignment.Turn))
                {
                    run.Turn = null;
                    QueueTurn(run);
                }
            }
            Pump();
        }
    }

    /// <summary>
    /// An activity's answer; returns when it is durable. A late or second answer changes nothing, and is not
    /// an error. </summary>
    public async Task CompleteActivityAsync(
        WorkflowApp app,
        ActivityResponse answer,
        CancellationToken cancellation
    )
    {
        var token = answer.CompletionToken.Length > 0 ? ActivityToken.Parse(answer.CompletionToken) : null;
        var owner = token?.AppId ?? app.AppId;
        if (owner != app.AppId)
        {
            await OpenAsync(owner, cancellation);
        }
        Task durable;
        lock (_gate)
        {
            var queue = QueueOf(app.AppId);
            queue.Release(answer.CompletionToken, answer.InstanceId, answer.TaskId);
            _dirty.Add(queue);
            durable = Take(owner, token, answer);
            Pump();
        }
        await durable.WaitAsync(cancellation);
    }

    private Task Take(string owner, ActivityToken? token, ActivityResponse answer)
    {
        var isStale = token is null && answer.CompletionToken.Length > 0;
        if (FindActive(new InstanceKey(owner, answer.InstanceId)) is not { } run || isStale)
        {
            return Task.CompletedTask;
        }
        var isOfThisRun =
            token is not { } t || (t.ExecutionId == run.ExecutionId && t.TaskId == answer.TaskId);
        if (!isOfThisRun || !run.Tasks.TryGetValue(answer.TaskId, out var task))
        {
            // The first answer may still be on its way to the disk: acknowledge the second no earlier.
            return run.LastCommit?.Durable ?? Task.CompletedTask;
        }
        var commit = new Commit();
        Deliver(commit, run, HistoryEvents.TaskAnswered(answer, task.TaskExecutionId, Now));
        return Submit(commit);
    }

    private void DispatchWhenDurable(Commit commit, Run run, HistoryEvent scheduled)
    {
        // A run that ends leaves no pending tasks, yet what its last turn scheduled is still carried out.
        var task = run.Tasks.TryGetValue(scheduled.EventId, out var pending)
            ? pending
            : new PendingTask(run.Key, run.ExecutionId, scheduled) { Detached = true };
        commit.WhenDurable(() => Dispatch(task));
    }

    private void Dispatch(PendingTask task)
    {
        if (IsWanted(task))
        {
            var queue = QueueOf(task.TargetAppId);
            queue.Enqueue(task);
            _dirty.Add(queue);
        }
    }

    private bool IsWanted(PendingTask task) =>
        task.Detached
        || (
            FindActive(task.Owner) is { } run
            && run.Tasks.TryGetValue(task.TaskId, out var pending)
            && ReferenceEquals(pending, task)
        );
}
