using Dapr.DurableTask.Protobuf;
using Npgsql;

namespace Souk.Sidecar.Workflows;

/// <summary>Reading instances: active ones from memory, ended ones from the log.</summary>
internal sealed partial class WorkflowEngine
{
    /// <summary>The instance's durable state, or null when there is none of that id.</summary>
    public async Task<RunView?> FindAsync(InstanceKey key, CancellationToken cancellation)
    {
        var app = await OpenAsync(key.AppId, cancellation);
        Task? creation;
        lock (_gate)
        {
            var run = app.Find(key.InstanceId);
            if (run?.CurrentView() is { } view)
            {
                return view;
            }
            if (run is null && _recent.Find(key) is { } recent)
            {
                return recent;
            }
            creation = run is null ? null : CreationOf(run);
        }
        if (creation is not null)
        {
            await creation.WaitAsync(cancellation);
        }
        return (await StoredAsync(_store.ReadAsync(key, cancellation)))?.View();
    }

    /// <summary>Waits until the instance is in a state, also when it does not exist yet.</summary>
    public async Task<RunView> WatchAsync(
        InstanceKey key,
        Predicate<RunView> until,
        CancellationToken cancellation
    )
    {
        Watcher watcher;
        lock (_gate)
        {
            watcher = _watchers.Add(key, until);
        }
        try
        {
            var view = await FindAsync(key, cancellation);
            return view is not null && until(view) ? view : await watcher.Reached.WaitAsync(cancellation);
        }
        finally
        {
            lock (_gate)
            {
                _watchers.Remove(watcher);
            }
        }
    }

    /// <summary>Everything that happened to the instance's newest run and is durable, or null when it is
    /// unknown.</summary>
    public async Task<IReadOnlyList<HistoryEvent>?> HistoryAsync(
        InstanceKey key,
        CancellationToken cancellation
    )
    {
        await OpenAsync(key.AppId, cancellation);
        while (true)
        {
            Commit? last;
            lock (_gate)
            {
                if (FindActive(key) is not { } run)
                {
                    break;
                }
                // A worker that fetches the past of its turn gets all of it: no commit of the run is left
                // out.
                if (run.CommitsInFlight == 0)
                {
                    return run.History.ToArray();
                }
                last = run.LastCommit;
            }
            await (last?.Durable ?? Task.CompletedTask).WaitAsync(cancellation);
        }
        return (await StoredAsync(_store.ReadAsync(key, cancellation)))?.History;
    }

    public async Task<List<string>> ListAsync(
        string appId,
        string after,
        int limit,
        CancellationToken cancellation
    )
    {
        await OpenAsync(appId, cancellation);
        return await StoredAsync(_store.ListAsync(appId, after, limit, cancellation));
    }

    /// <summary>A read of the database; clients are told to try again when it is away.</summary>
    private static async Task<T> StoredAsync<T>(Task<T> reading)
    {
        try
        {
            return await reading;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
        {
            throw WorkflowFault.StoreBehind();
        }
    }
}
