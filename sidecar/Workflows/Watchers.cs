namespace Souk.Sidecar.Workflows;

/// <summary>Callers that wait for an instance to reach a state. Guarded by the engine's lock.</summary>
internal sealed class Watchers
{
    private readonly Dictionary<InstanceKey, List<Watcher>> _watchers = [];

    public Watcher Add(InstanceKey key, Predicate<RunView> until)
    {
        var watcher = new Watcher(key, until);
        if (!_watchers.TryGetValue(key, out var list))
        {
            _watchers[key] = list = [];
        }
        list.Add(watcher);
        return watcher;
    }

    public void Remove(Watcher watcher)
    {
        if (_watchers.TryGetValue(watcher.Key, out var list) && list.Remove(watcher) && list.Count == 0)
        {
            _watchers.Remove(watcher.Key);
        }
    }

    public void Notify(RunView view)
    {
        if (_watchers.TryGetValue(view.Key, out var list))
        {
            // A watcher leaves the list by itself when its caller continues.
            list.ForEach(w => w.Offer(view));
        }
    }

    public void FailAll(Func<InstanceKey, bool> which, Exception reason)
    {
        foreach (var (key, list) in _watchers)
        {
            if (which(key))
            {
                list.ForEach(w => w.Fail(reason));
            }
        }
    }
}

/// <summary>One waiting caller.</summary>
internal sealed class Watcher(InstanceKey key, Predicate<RunView> until)
{
    private readonly TaskCompletionSource<RunView> _reached = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );

    public InstanceKey Key => key;

    public Task<RunView> Reached => _reached.Task;

    public void Offer(RunView view)
    {
        if (until(view))
        {
            _reached.TrySetResult(view);
        }
    }

    public void Fail(Exception reason)
    {
        if (_reached.TrySetException(reason))
        {
            // The caller may have given up already; then nobody else observes the failure.
            _ = _reached.Task.Exception;
        }
    }
}
