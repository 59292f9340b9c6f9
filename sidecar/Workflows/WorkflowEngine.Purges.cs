using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>Deleting instances, one by its id or many by a filter.</summary>
internal sealed partial class WorkflowEngine
{
    /// <summary>Instances that one purge by filter takes.</summary>
    private const int PurgedMax = 1_000;

    /// <summary>Deletes an ended instance, with its children if asked to, and says how many went.</summary>
    public async Task<int> PurgeAsync(
        InstanceKey key,
        bool recursive,
        bool force,
        CancellationToken cancellation
    )
    {
        var app = await OpenAsync(key.AppId, cancellation);
        var doomed = await FamilyAsync(key, recursive, cancellation);
        if (doomed.Count == 0)
        {
            throw WorkflowFault.NotPurged($"no such instance exists: '{key.InstanceId}'");
        }
        Task durable;
        lock (_gate)
        {
            if (!force && doomed.Find(id => app.Find(id) is not null) is { } active)
            {
                throw WorkflowFault.NotPurged($"the instance '{active}' is not in a terminal state");
            }
            durable = Submit(Purge(app, doomed));
        }
        await durable.WaitAsync(cancellation);
        return doomed.Count;
    }

    /// <summary>
    /// Deletes the app's ended instances that the filter takes, oldest first and a bounded number at a time:
    /// the answer says whether there may be more. </summary>
    public async Task<PurgeInstancesResponse> PurgeWhereAsync(
        string appId,
        PurgeInstanceFilter filter,
        bool recursive,
        CancellationToken cancellation
    )
    {
        var app = await OpenAsync(appId, cancellation);
        var found = await StoredAsync(_store.FindEndedAsync(appId, filter, PurgedMax, cancellation));
        var doomed = new HashSet<string>(found);
        foreach (var id in recursive ? found : [])
        {
            doomed.UnionWith(await FamilyAsync(new(appId, id), recursive, cancellation));
        }
        Task durable;
        lock (_gate)
        {
            ThrowIfLost(app);
            // An id may be in use again, and a child may outlive its parent.
            doomed.RemoveWhere(id => app.Find(id) is not null);
            durable = doomed.Count > 0 ? Submit(Purge(app, doomed)) : Task.CompletedTask;
        }
        await durable.WaitAsync(cancellation);
        return new() { DeletedInstanceCount = doomed.Count, IsComplete = found.Count < PurgedMax };
    }

    private Commit Purge(WorkflowApp app, IEnumerable<string> ids)
    {
        var commit = new Commit();
        foreach (var id in ids)
        {
            var key = new InstanceKey(app.AppId, id);
            if (app.Find(id) is { } run)
            {
                app.NoteEnd(run);
                app.Remove(run);
            }
            _recent.Remove(key);
            commit.Records.Add(new LogRecord(key, app.NextSequence(), RecordKind.Purged, []));
        }
        return commit;
    }

    /// <summary>The instance and, if asked, those that it and its children started; empty when it is
    /// unknown.</summary>
    private async Task<List<string>> FamilyAsync(
        InstanceKey key,
        bool recursive,
        CancellationToken cancellation
    )
    {
        var found = new List<string>();
        var seen = new HashSet<string> { key.InstanceId };
        var open = new Queue<string>(seen);
        while (open.TryDequeue(out var id))
        {
            if (
                await StoredAsync(_store.ReadAsync(key with { InstanceId = id }, cancellation)) is not { } run
            )
            {
                continue;
            }
            // A rerun's past names children that are its source's.
            if (id != key.InstanceId && !seen.Contains(ParentOf(run)))
            {
                continue;
            }
            found.Add(id);
            var children = run
                .History.Select(e => e.ChildWorkflowInstanceCreated?.InstanceId)
                .OfType<string>();
            foreach (var child in recursive ? children : [])
            {
                if (seen.Add(child))
                {
                    open.Enqueue(child);
                }
            }
        }
        return found;
    }

    private static string ParentOf(Run run) => run.Started.ParentInstance?.WorkflowInstance.InstanceId ?? "";
}
