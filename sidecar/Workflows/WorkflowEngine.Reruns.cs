using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>Running an ended instance again, under a new id, from one of its decisions on.</summary>
internal sealed partial class WorkflowEngine
{
    /// <summary>Starts the copy and returns its id when it is durable. The source stays as it is.</summary>
    public async Task<string> RerunAsync(
        InstanceKey source,
        RerunWorkflowFromEventRequest request,
        CancellationToken cancellation
    )
    {
        ThrowIfBehind();
        var app = await OpenAsync(source.AppId, cancellation);
        var id = request.NewInstanceID.Length > 0 ? request.NewInstanceID : NewInstanceId();
        if (!InstanceKey.IsValidId(id))
        {
            throw WorkflowFault.BadId();
        }
        if (id == source.InstanceId)
        {
            throw WorkflowFault.NotRerun("the rerun's instance id must be another than the source's");
        }
        var history = RerunHistory.Of(await EndedAsync(source, cancellation), request, id, Now);
        if (await FindAsync(source with { InstanceId = id }, cancellation) is not null)
        {
            throw WorkflowFault.AlreadyCreated(id);
        }
        Task durable;
        lock (_gate)
        {
            ThrowIfLost(app);
            if (app.Find(id) is not null)
            {
                throw WorkflowFault.AlreadyCreated(id);
            }
            durable = Submit(Repeat(new Run(source with { InstanceId = id }), history));
        }
        await durable.WaitAsync(cancellation);
        return id;
    }

    private async Task<Run> EndedAsync(InstanceKey key, CancellationToken cancellation)
    {
        var view = await FindAsync(key, cancellation) ?? throw WorkflowFault.NoHistory(key.InstanceId);
        if (!view.IsTerminal)
        {
            throw WorkflowFault.NotRerun($"'{key.InstanceId}' is not in a terminal state");
        }
        if (view.Started.ParentInstance is not null)
        {
            throw WorkflowFault.NotRerun($"'{key.InstanceId}' is a child workflow, which cannot be rerun");
        }
        return await StoredAsync(_store.ReadAsync(key, cancellation))
            ?? throw WorkflowFault.NoHistory(key.InstanceId);
    }

    private Commit Repeat(Run run, RerunHistory history)
    {
        var commit = new Commit();
        run.Creation = commit;
        Record(commit, run, NewRecord(run, RecordKind.Created, [history.Started]));
        var turn = NewRecord(run, RecordKind.Turned, history.Turn) with { Consumed = 1 };
        Record(commit, run, turn);
        OwnerOf(run).Add(run);
        _recent.Remove(run.Key);
        foreach (var task in run.Tasks.Values)
        {
            commit.WhenDurable(() => Dispatch(task));
        }
        foreach (var timer in run.Timers.Values)
        {
            Arm(run, timer);
        }
        foreach (var child in run.Children.Values.ToList())
        {
            Send(commit, run, TurnOutcome.StartOfChild(run, child, Now));
        }
        return commit;
    }
}
