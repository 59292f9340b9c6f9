namespace Souk.Sidecar.Workflows;

/// <summary>The workflows of one app that this process owns. Guarded by the engine's lock.</summary>
internal sealed class WorkflowApp(string appId)
{
    private readonly Dictionary<string, int> _runningChildren = [];
    private long _sequence;

    public string AppId => appId;

    /// <summary>Completes when the app's active instances are in memory; the work it waits for is the
    /// claim.</summary>
    public Task Opening { get; set; } = Task.CompletedTask;

    public bool IsOpen { get; private set; }

    /// <summary>Active instances by id, and ended ones until their end is durable.</summary>
    public Dictionary<string, Run> Runs { get; } = [];

    public void Open(long epoch)
    {
        _sequence = epoch << WorkflowSchema.EpochShift;
        IsOpen = true;
    }

    public void Close()
    {
        IsOpen = false;
        Runs.Clear();
    }

    public long NextSequence() => ++_sequence;

    /// <summary>True when the sequence was given out since the app was claimed.</summary>
    public bool Owns(long sequence) =>
        IsOpen && sequence >> WorkflowSchema.EpochShift == _sequence >> WorkflowSchema.EpochShift;

    public Run? Find(string instanceId) => Runs.GetValueOrDefault(instanceId);

    public Run? FindActive(string instanceId) => Find(instanceId) is { Ended: null } run ? run : null;

    public bool HasRunningChildren(string parentId) => _runningChildren.ContainsKey(parentId);

    public void Add(Run run)
    {
        Runs[run.Key.InstanceId] = run;
        if (ParentId(run) is { } parentId)
        {
            _runningChildren[parentId] = _runningChildren.GetValueOrDefault(parentId) + 1;
        }
    }

    /// <summary>Notes that the run ended, which its parent's id may have waited for to be used
    /// again.</summary>
    public void NoteEnd(Run run)
    {
        if (ParentId(run) is { } parentId && _runningChildren.TryGetValue(parentId, out var children))
        {
            if (children > 1)
            {
                _runningChildren[parentId] = children - 1;
            }
            else
            {
                _runningChildren.Remove(parentId);
            }
        }
    }

    /// <summary>Forgets the run, unless its id belongs to a newer one already.</summary>
    public bool Remove(Run run) =>
        ReferenceEquals(Find(run.Key.InstanceId), run) && Runs.Remove(run.Key.InstanceId);

    private string? ParentId(Run run) =>
        run.Started.ParentInstance is { } parent && (!parent.HasAppID || parent.AppID == appId)
            ? parent.WorkflowInstance?.InstanceId
            : null;
}
