using Dapr.DurableTask.Protobuf;
using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.Workflows;

/// <summary>Turns: giving them to workers, taking their answers, and what an answer sets in motion.</summary>
internal sealed partial class WorkflowEngine
{
    /// <summary>A worker's answer to a turn. A stale answer is ignored: its turn was given to another
    /// worker.</summary>
    public void CompleteTurn(WorkflowApp app, WorkflowResponse answer, bool isTooLarge)
    {
        lock (_gate)
        {
            var queue = QueueOf(app.AppId);
            queue.Release(answer.CompletionToken, answer.InstanceId, taskId: null);
            _dirty.Add(queue);
            if (
                app.FindActive(answer.InstanceId) is { Turn: { } turn } run
                && (answer.CompletionToken.Length == 0 || answer.CompletionToken == turn.Token)
            )
            {
                run.Turn = null;
                if (isTooLarge)
                {
                    LogTooLarge(_logger, run.Key, answer.CalculateSize());
                    Stall(run);
                }
                else
                {
                    Conclude(run, turn, answer);
                }
            }
            Pump();
        }
    }

    private void Stall(Run run)
    {
        run.Stalled = true;
        _watchers.Notify(run.CurrentView() ?? run.View());
    }

    private void Conclude(Run run, Turn turn, WorkflowResponse answer)
    {
        var outcome = TurnOutcome.Of(run, turn, answer, Now);
        if (outcome.VersionMissing && outcome.End is null)
        {
            Stall(run);
            return;
        }
        var commit = new Commit();
        if (outcome.Restart is not null && outcome.End is null)
        {
            Record(commit, run, NewRecord(run, RecordKind.Restarted, outcome.NextInbox(turn)));
            if (run.Terminating)
            {
                AddTimer(run, TimerKind.TerminateGrace, Now + TerminateGrace);
            }
        }
        else
        {
            if (answer.Version is { } version)
            {
                turn.Opened.WorkflowStarted.Version = version;
            }
            AddTurn(commit, run, turn, outcome, answer.CustomStatus);
        }
        foreach (var message in outcome.Messages)
        {
            Send(commit, run, message);
        }
        QueueTurn(run);
        _ = Submit(commit);
    }

    private void AddTurn(Commit commit, Run run, Turn turn, TurnOutcome outcome, string? customStatus)
    {
        var children = run.Children.Values.ToList();
        var record = NewRecord(run, RecordKind.Turned, [turn.Opened, .. outcome.Events]) with
        {
            Consumed = turn.Consumed,
            CustomStatus = customStatus,
        };
        var terminate = run.Inbox.Take(turn.Consumed).LastOrDefault(e => e.ExecutionTerminated is not null);
        Record(commit, run, record);
        foreach (var decided in outcome.Events)
        {
            switch (decided.EventTypeCase)
            {
                case HistoryEvent.EventTypeOneofCase.TaskScheduled:
                    DispatchWhenDurable(commit, run, decided);
                    break;
                case HistoryEvent.EventTypeOneofCase.TimerCreated:
                    Arm(run, decided);
                    break;
            }
        }
        if (outcome.End is { } end)
        {
            OnEnded(commit, run, end);
            if (terminate is { ExecutionTerminated.Recurse: true })
            {
                children.ForEach(child => TerminateChild(commit, run, child));
            }
        }
    }

    /// <summary>Ends a run without its worker, by the terminate in its inbox.</summary>
    private void EndByForce(Commit commit, Run run)
    {
        var terminate = run.Inbox.First(e => e.ExecutionTerminated is not null).ExecutionTerminated;
        var turn = new Turn("", run.Inbox.Count, HistoryEvents.TurnStarted(TurnTime(run)));
        run.Turn = null;
        AddTurn(commit, run, turn, TurnOutcome.Terminated(run, terminate, Now), customStatus: null);
    }

    private void OnEnded(Commit commit, Run run, ExecutionCompletedEvent end)
    {
        OwnerOf(run).NoteEnd(run);
        if (run.Started.ParentInstance is not { WorkflowInstance: { } instance } info)
        {
            return;
        }
        var parentKey = new InstanceKey(info.HasAppID ? info.AppID : run.Key.AppId, instance.InstanceId);
        if (
            FindActive(parentKey) is { } parent
            && (instance.ExecutionId is null || instance.ExecutionId == parent.ExecutionId)
            && parent.Children.ContainsKey(info.TaskScheduledId)
        )
        {
            Deliver(commit, parent, HistoryEvents.ChildEnded(info.TaskScheduledId, end, Now));
        }
    }

    private void Send(Commit commit, Run sender, Message message)
    {
        if (message.Event.ExecutionStarted is { } started)
        {
            StartChild(commit, sender, message.To, started);
        }
        else if (FindActive(message.To) is not { } target)
        {
            // A lost event or terminate is no error for the sender: that is how Dapr treats it.
            LogUndelivered(_logger, message.Event.EventTypeCase, message.To, sender.Key);
        }
        else if (message.Event.ExecutionTerminated is { } terminate)
        {
            Terminate(commit, target, terminate.Input, terminate.Recurse);
        }
        else
        {
            Deliver(commit, target, message.Event);
        }
    }

    private void StartChild(Commit commit, Run parent, InstanceKey key, ExecutionStartedEvent started)
    {
        var refusal =
            !InstanceKey.IsValidId(key.InstanceId) ? "its instance id is not valid"
            : !_apps.TryGetValue(key.AppId, out var app) || !app.IsOpen
                ? $"this runtime does not serve '{key.AppId}'"
            : started.Name.Contains('\0') ? "its name contains a NUL"
            : app.FindActive(key.InstanceId) is not null
                ? $"an active workflow with ID '{key.InstanceId}' already exists"
            : null;
        if (refusal is null)
        {
            StartRun(commit, _apps[key.AppId], HistoryEvents.Started(started, Now));
            return;
        }
        var taskId = started.ParentInstance.TaskScheduledId;
        if (parent.Children.ContainsKey(taskId))
        {
            var failure = HistoryEvents.Failure(
                "ChildWorkflowNotStarted",
                $"the child was not started: {refusal}"
            );
            Deliver(commit, parent, HistoryEvents.ChildFailed(taskId, failure, Now));
        }
    }

    private void TerminateChild(Commit commit, Run parent, HistoryEvent created)
    {
        var appId = created.Router is { HasTargetAppID: true, TargetAppID.Length: > 0 } router
            ? router.TargetAppID
            : parent.Key.AppId;
        var key = new InstanceKey(appId, created.ChildWorkflowInstanceCreated.InstanceId);
        if (
            FindActive(key) is { Started.ParentInstance.WorkflowInstance: { } instance } child
            && instance.InstanceId == parent.Key.InstanceId
        )
        {
            Terminate(commit, child, $"the parent '{parent.Key.InstanceId}' was terminated", recurse: true);
        }
    }

    /// <summary>Lets a run have its next turn if it is due one.</summary>
    private void QueueTurn(Run run)
    {
        if (
            run is { Ended: null, Turn: null, WaitsForStart: false, Stalled: false, Inbox.Count: > 0 }
            && run.CommitsInFlight < RunCommitsMax
        )
        {
            var queue = QueueOf(run.Key.AppId);
            queue.Enqueue(run);
            _dirty.Add(queue);
        }
    }

    /// <summary>The work item of a run's next turn, made at the moment a worker takes it; null if none is
    /// due.</summary>
    private WorkItem? OpenTurn(Run run, WorkerLimits worker)
    {
        if (run is not { Ended: null, Turn: null, Inbox.Count: > 0 } || FindActive(run.Key) != run)
        {
            return null;
        }
        var opened = HistoryEvents.TurnStarted(TurnTime(run));
        run.Turn = new Turn(Guid.CreateVersion7(Now).ToString(), run.Inbox.Count, opened);
        if (!run.Taken)
        {
            run.Taken = true;
            if (run.CurrentView() is { } view)
            {
                _watchers.Notify(view);
            }
        }
        var request = new WorkflowRequest { InstanceId = run.Key.InstanceId, ExecutionId = run.ExecutionId };
        if (worker.FetchesHistory && run.HistoryBytes > HistoryBytesMax)
        {
            request.RequiresHistoryStreaming = true;
        }
        else
        {
            request.PastEvents.AddRange(run.History);
        }
        // The worker's copy of the opening event is its own: the answer may add a version to ours.
        request.NewEvents.Add(opened.Clone());
        request.NewEvents.AddRange(run.Inbox);
        return new WorkItem { WorkflowRequest = request, CompletionToken = run.Turn.Token };
    }

    private DateTimeOffset TurnTime(Run run) => Now > run.LastTurnTime ? Now : run.LastTurnTime;

    [LoggerMessage(LogLevel.Warning, "{Instance} is stalled: a turn's answer of {Bytes} bytes is too large")]
    private static partial void LogTooLarge(ILogger logger, InstanceKey instance, int bytes);

    [LoggerMessage(LogLevel.Debug, "{Event} for {Target} from {Sender} dropped: no such active instance")]
    private static partial void LogUndelivered(
        ILogger logger,
        HistoryEvent.EventTypeOneofCase @event,
        InstanceKey target,
        InstanceKey sender
    );
}
