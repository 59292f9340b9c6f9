using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// The work of one app and the workers that share it, round robin. Guarded by the engine's lock.
/// </summary>
internal sealed class WorkQueue(
    string appId,
    Func<Run, WorkerLimits, WorkItem?> openTurn,
    Func<PendingTask, bool> isWanted
)
{
    private readonly List<Worker> _workers = [];
    private readonly Queue<Run> _turns = [];
    private readonly Queue<PendingTask> _activities = [];
    private int _next;

    public string AppId => appId;

    public int Workers => _workers.Count;

    /// <summary>Whether a worker has something that it has not answered.</summary>
    public bool HasWorkInHand => _workers.Exists(worker => worker.InHand.Any());

    /// <summary>While it is, no worker gets anything.</summary>
    public bool IsPaused { get; set; }

    public int Backlog => _turns.Count + _activities.Count;

    public void Attach(Worker worker)
    {
        _workers.Add(worker);
        Pump();
    }

    /// <summary>Takes the worker out and returns what it had in hand, for others to do.</summary>
    public IReadOnlyList<Assignment> Detach(Worker worker)
    {
        worker.Close();
        return _workers.Remove(worker) ? [.. worker.InHand] : [];
    }

    public void CloseAll(Exception reason)
    {
        _workers.ForEach(w => w.Close(reason));
        _workers.Clear();
    }

    public void Enqueue(Run run)
    {
        if (!run.Queued)
        {
            run.Queued = true;
            _turns.Enqueue(run);
        }
    }

    public void Enqueue(PendingTask task) => _activities.Enqueue(task);

    public void Release(string token, string instanceId, int? taskId)
    {
        foreach (var worker in _workers)
        {
            if (worker.Release(token, instanceId, taskId))
            {
                return;
            }
        }
    }

    /// <summary>Hands out what can be handed out.</summary>
    public void Pump()
    {
        while (!IsPaused && _turns.Count > 0 && NextWorker(static w => w.TakesTurns) is { } worker)
        {
            var run = _turns.Dequeue();
            run.Queued = false;
            if (openTurn(run, worker.Limits) is { } item)
            {
                worker.Give(item, new Assignment(run, run.Turn, null));
            }
        }
        while (!IsPaused && _activities.Count > 0 && NextWorker(static w => w.TakesActivities) is { } worker)
        {
            var task = _activities.Dequeue();
            if (isWanted(task))
            {
                worker.Give(task.NextDelivery(), new Assignment(null, null, task));
            }
        }
    }

    private Worker? NextWorker(Func<Worker, bool> hasRoom)
    {
        for (var i = 0; i < _workers.Count; i++)
        {
            var worker = _workers[(_next + i) % _workers.Count];
            if (hasRoom(worker))
            {
                _next = (_next + i + 1) % _workers.Count;
                return worker;
            }
        }
        return null;
    }
}
