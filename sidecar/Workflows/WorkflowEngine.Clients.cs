using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>What clients ask of instances. Every method that changes something returns when that is
/// durable.</summary>
internal sealed partial class WorkflowEngine
{
    /// <summary>Starts an instance and returns its id, without waiting for a worker to take it.</summary>
    public async Task<string> StartAsync(
        WorkflowApp app,
        CreateInstanceRequest request,
        CancellationToken cancellation
    )
    {
        ThrowIfBehind();
        var id = request.InstanceId.Length > 0 ? request.InstanceId : NewInstanceId();
        if (!InstanceKey.IsValidId(id))
        {
            throw WorkflowFault.BadId();
        }
        if (request.Name.Length == 0 || request.Name.Contains('\0'))
        {
            throw WorkflowFault.BadField("name", "is required and contains no NUL");
        }
        var key = new InstanceKey(app.AppId, id);
        if (request.EnforceUniqueInstanceId && await FindAsync(key, cancellation) is not null)
        {
            throw WorkflowFault.IdTaken(id);
        }
        Run? active;
        Task durable;
        lock (_gate)
        {
            ThrowIfLost(app);
            active = app.FindActive(id);
            if (active is null && app.HasRunningChildren(id))
            {
                throw WorkflowFault.ChildrenRunning(id);
            }
            durable = active is null ? Start(app, ToStarted(request, id)) : CreationOf(active);
        }
        // Refused, too, only once the other start is durable: the caller may rely on the instance being
        // there.
        await durable.WaitAsync(cancellation);
        return active is null ? id : throw WorkflowFault.AlreadyActive(id);
    }

    /// <summary>Queues an event. For an instance that ended it is accepted and ignored.</summary>
    public async Task RaiseAsync(InstanceKey key, string name, string? input, CancellationToken cancellation)
    {
        ThrowIfBehind();
        if (
            !await ChangeAsync(
                key,
                (c, run) => Deliver(c, run, HistoryEvents.Raised(name, input, Now)),
                cancellation
            )
        )
        {
            await RequireAsync(key, cancellation);
        }
    }

    /// <summary>Ends an instance, and its children if asked to; returns when it has ended.</summary>
    public async Task TerminateAsync(
        InstanceKey key,
        string? output,
        bool recurse,
        CancellationToken cancellation
    )
    {
        if (await ChangeAsync(key, (c, run) => Terminate(c, run, output, recurse), cancellation))
        {
            await WatchAsync(key, static view => view.IsTerminal, cancellation);
        }
        else
        {
            await RequireAsync(key, cancellation);
        }
    }

    public async Task SuspendAsync(InstanceKey key, string? reason, CancellationToken cancellation)
    {
        void Suspend(Commit commit, Run run)
        {
            if (!run.Suspended)
            {
                Deliver(commit, run, HistoryEvents.Suspended(reason, Now));
            }
        }
        if (!await ChangeAsync(key, Suspend, cancellation))
        {
            await RequireAsync(key, cancellation);
        }
    }

    public async Task ResumeAsync(InstanceKey key, string? reason, CancellationToken cancellation)
    {
        void Resume(Commit commit, Run run)
        {
            if (run.Suspended)
            {
                Deliver(commit, run, HistoryEvents.Resumed(reason, Now));
            }
        }
        if (!await ChangeAsync(key, Resume, cancellation))
        {
            await RequireAsync(key, cancellation);
        }
    }

    /// <summary>Applies a change to an active instance and waits until it is durable; false when none is
    /// active.</summary>
    private async Task<bool> ChangeAsync(
        InstanceKey key,
        Action<Commit, Run> change,
        CancellationToken cancellation
    )
    {
        await OpenAsync(key.AppId, cancellation);
        Task durable;
        lock (_gate)
        {
            if (FindActive(key) is not { } run)
            {
                return false;
            }
            var commit = new Commit();
            change(commit, run);
            durable =
                commit.Records.Count > 0 ? Submit(commit) : run.LastCommit?.Durable ?? Task.CompletedTask;
        }
        await durable.WaitAsync(cancellation);
        return true;
    }

    private async Task RequireAsync(InstanceKey key, CancellationToken cancellation)
    {
        if (await FindAsync(key, cancellation) is null)
        {
            throw WorkflowFault.NoSuchInstance(key.InstanceId);
        }
    }

    private string NewInstanceId() => Guid.CreateVersion7(Now).ToString();

    private Task Start(WorkflowApp app, ExecutionStartedEvent started)
    {
        var commit = new Commit();
        StartRun(commit, app, HistoryEvents.Started(started, Now));
        return Submit(commit);
    }

    private void StartRun(Commit commit, WorkflowApp app, HistoryEvent started)
    {
        var run = new Run(new InstanceKey(app.AppId, started.ExecutionStarted.WorkflowInstance.InstanceId))
        {
            Creation = commit,
        };
        Record(commit, run, new(run.Key, app.NextSequence(), RecordKind.Created, [started]));
        app.Add(run);
        _recent.Remove(run.Key);
        AwaitStart(run);
        QueueTurn(run);
    }

    private void Terminate(Commit commit, Run run, string? output, bool recurse)
    {
        if (run.Ended is not null || run.Terminating)
        {
            return;
        }
        Deliver(commit, run, HistoryEvents.Terminated(output, recurse, Now));
        if (run.WaitsForStart || run.Stalled || QueueOf(run.Key.AppId).Workers == 0)
        {
            EndByForce(commit, run);
        }
        else
        {
            AddTimer(run, TimerKind.TerminateGrace, Now + TerminateGrace);
        }
    }

    private ExecutionStartedEvent ToStarted(CreateInstanceRequest request, string id)
    {
        var started = new ExecutionStartedEvent
        {
            Name = request.Name,
            Version = request.Version,
            Input = request.Input,
            WorkflowInstance = new()
            {
                InstanceId = id,
                ExecutionId = request.ExecutionId is { Length: > 0 } given
                    ? given
                    : TurnOutcome.NewExecutionId(Now),
            },
            ScheduledStartTimestamp = request.ScheduledStartTimestamp,
            ParentTraceContext = request.ParentTraceContext,
        };
        started.Tags.Add(request.Tags);
        return started;
    }

    private static Task CreationOf(Run run) => run.Creation?.Durable ?? Task.CompletedTask;
}
