using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Happened = Dapr.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;
using Kind = Dapr.DurableTask.Protobuf.WorkflowAction.WorkflowActionTypeOneofCase;

namespace Dapr.Workflow.Replay;

/// <summary>
/// One turn of a workflow: run its code from the beginning against the history, up to where the history ends,
/// and answer with what the code asks for next. Pure: the same request gives the same answer.
/// </summary>
internal sealed class WorkflowTurn
{
    private readonly WorkflowRequest _request;
    private readonly TurnEnvironment _environment;
    private readonly IServiceProvider _services;
    private readonly TurnScheduler _scheduler = new();
    private readonly ReplayContext _context;
    private readonly Queue<HistoryEvent> _held = new();
    private Task<object?>? _run;
    private CompleteWorkflowAction? _verdict;
    private bool _suspended;

    private WorkflowTurn(WorkflowRequest request, TurnEnvironment environment, IServiceProvider services)
    {
        _request = request;
        _environment = environment;
        _services = services;
        _context = new ReplayContext(request, _scheduler, environment.Serializer, environment.Loggers);
    }

    /// <summary>Runs a turn on the calling thread.</summary>
    internal static WorkflowResponse Run(
        WorkflowRequest request,
        IReadOnlyList<HistoryEvent> history,
        TurnEnvironment environment,
        IServiceProvider services
    ) => new WorkflowTurn(request, environment, services).Run(history);

    /// <summary>The answer when the turn itself, or sending what it gave, is impossible.</summary>
    internal static WorkflowResponse Broken(WorkflowRequest request, Exception cause) =>
        new()
        {
            InstanceId = request.InstanceId,
            Actions = { new WorkflowAction { CompleteWorkflow = Failed(Failures.Of(cause)) } },
        };

    private WorkflowResponse Run(IReadOnlyList<HistoryEvent> history)
    {
        try
        {
            _scheduler.Run(() =>
            {
                foreach (var past in history)
                    Process(past);
                _context.Replaying = false;
                foreach (var happened in _request.NewEvents)
                    Process(happened);
            });
        }
        catch (NonDeterministicWorkflowException mismatch)
        {
            return Answer([Complete(Failed(Failures.Of(mismatch)))]);
        }
        return Answer(Actions());
    }

    private void Process(HistoryEvent happened)
    {
        if (_verdict is not null)
            return;
        switch (happened.EventTypeCase)
        {
            case Happened.ExecutionSuspended:
                _suspended = true;
                break;
            case Happened.ExecutionResumed:
                _suspended = false;
                while (_held.TryDequeue(out var held))
                    Apply(held);
                break;
            default:
                if (_suspended && RunsCode(happened))
                    _held.Enqueue(happened);
                else
                    Apply(happened);
                break;
        }
        _scheduler.Drain();
    }

    private static bool RunsCode(HistoryEvent happened) =>
        happened.EventTypeCase
            is Happened.ExecutionStarted
                or Happened.TaskCompleted
                or Happened.TaskFailed
                or Happened.ChildWorkflowInstanceCompleted
                or Happened.ChildWorkflowInstanceFailed
                or Happened.TimerFired
                or Happened.EventRaised;

    private void Apply(HistoryEvent happened)
    {
        switch (happened.EventTypeCase)
        {
            case Happened.WorkflowStarted:
                _context.SetClock(happened.Timestamp?.ToDateTime() ?? default);
                break;
            case Happened.ExecutionStarted:
                Start(happened.ExecutionStarted);
                break;
            case Happened.TaskScheduled:
                _context.Confirm(happened.EventId, Kind.ScheduleTask, happened.TaskScheduled.Name);
                break;
            case Happened.ChildWorkflowInstanceCreated:
                var child = happened.ChildWorkflowInstanceCreated.Name;
                _context.Confirm(happened.EventId, Kind.CreateChildWorkflow, child);
                break;
            case Happened.TimerCreated:
                _context.Confirm(happened.EventId, Kind.CreateTimer, name: null);
                break;
            case Happened.EventSent:
                _context.Confirm(happened.EventId, Kind.SendEvent, happened.EventSent.Name);
                break;
            case Happened.TaskCompleted:
                _context.Settle(happened.TaskCompleted.TaskScheduledId, happened);
                break;
            case Happened.TaskFailed:
                _context.Settle(happened.TaskFailed.TaskScheduledId, happened);
                break;
            case Happened.ChildWorkflowInstanceCompleted:
                _context.Settle(happened.ChildWorkflowInstanceCompleted.TaskScheduledId, happened);
                break;
            case Happened.ChildWorkflowInstanceFailed:
                _context.Settle(happened.ChildWorkflowInstanceFailed.TaskScheduledId, happened);
                break;
            case Happened.TimerFired:
                _context.Settle(happened.TimerFired.TimerId, happened);
                break;
            case Happened.EventRaised:
                _context.Events.Raise(happened);
                break;
            case Happened.ExecutionTerminated:
                Terminate(happened.ExecutionTerminated);
                break;
        }
        // Whatever this woke runs before the next event: that order is part of the workflow's determinism.
        _scheduler.Drain();
    }

    private void Start(ExecutionStartedEvent started)
    {
        _context.Begin(started.Name);
        _run = RunCodeAsync(started);
    }

    // Async so that whatever goes wrong, from construction on, becomes the outcome of the run.
    private async Task<object?> RunCodeAsync(ExecutionStartedEvent started)
    {
        var workflow =
            _environment.Registry.CreateWorkflow(started.Name, _services)
            ?? throw new WorkflowNotFoundException(started.Name);
        var input = _environment.Serializer.Deserialize(started.Input, workflow.InputType);
        return await workflow.RunAsync(_context, input);
    }

    private void Terminate(ExecutionTerminatedEvent terminated)
    {
        // A run that has ended stays as it ended, unless a suspension keeps that from being said.
        if (_suspended || _run is not { IsCompleted: true })
            _verdict = new CompleteWorkflowAction
            {
                WorkflowStatus = OrchestrationStatus.Terminated,
                Result = terminated.Input,
            };
    }

    private IEnumerable<WorkflowAction> Actions()
    {
        if (_verdict is not null)
            return [Complete(_verdict)];
        // What the code asked for before the suspension is found again, and asked for, when it is resumed.
        if (_suspended || _run is null)
            return [];
        if (_run.IsCompleted)
            return _context.NewActions().Append(Complete(Outcome(_run)));
        if (!_context.IsWaiting || _scheduler.IsDisturbed)
            return [Complete(Failed(Failures.Of(new ForeignWaitException())))];
        return _context.NewActions();
    }

    private CompleteWorkflowAction Outcome(Task<object?> run)
    {
        if (run.IsFaulted)
            return Failed(Failures.Of(run.Exception.InnerException ?? run.Exception));
        if (run.IsCanceled)
            return Failed(Failures.Of(new TaskCanceledException(run)));
        if (_context.Next is not { } next)
            return new CompleteWorkflowAction
            {
                WorkflowStatus = OrchestrationStatus.Completed,
                Result = _environment.Serializer.Write(run.GetAwaiter().GetResult()),
            };
        return new CompleteWorkflowAction
        {
            WorkflowStatus = OrchestrationStatus.ContinuedAsNew,
            Result = next.Input,
            CarryoverEvents = { next.KeepsUnreadEvents ? _context.Events.Unread : [] },
        };
    }

    private static CompleteWorkflowAction Failed(TaskFailureDetails failure) =>
        new() { WorkflowStatus = OrchestrationStatus.Failed, FailureDetails = failure };

    private WorkflowAction Complete(CompleteWorkflowAction outcome) =>
        new() { Id = _context.NextId, CompleteWorkflow = outcome };

    private WorkflowResponse Answer(IEnumerable<WorkflowAction> actions) =>
        new()
        {
            InstanceId = _request.InstanceId,
            Actions = { actions },
            CustomStatus = _context.CustomStatus,
        };

    private sealed class WorkflowNotFoundException(string name)
        : Exception($"This worker has no workflow '{name}'.");

    private sealed class ForeignWaitException()
        : Exception(
            "The workflow waits for something that its context did not give, such as Task.Delay, CancelAsync "
                + "or I/O; that belongs into an activity."
        );
}
