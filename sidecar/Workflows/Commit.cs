namespace Souk.Sidecar.Workflows;

/// <summary>
/// Records, possibly of several runs, that become durable together or not at all, and what may happen only
/// then. </summary>
internal sealed class Commit
{
    private readonly TaskCompletionSource _durable = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Action> _effects = [];

    public List<LogRecord> Records { get; } = [];

    /// <summary>The runs that the records belong to, each once.</summary>
    public List<Run> Runs { get; } = [];

    /// <summary>Completes when the records are durable, after the effects ran.</summary>
    public Task Durable => _durable.Task;

    /// <summary>Adds an effect; it runs under the engine's lock, in the order of the log.</summary>
    public void WhenDurable(Action effect) => _effects.Add(effect);

    public void RunEffects()
    {
        foreach (var effect in _effects)
        {
            effect();
        }
    }

    public void Settle() => _durable.TrySetResult();

    public void Abandon(Exception reason)
    {
        _durable.TrySetException(reason);
        // Most commits have nobody waiting; the engine has reported the reason already.
        _ = _durable.Task.Exception;
    }
}
