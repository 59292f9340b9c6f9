namespace Souk.Sidecar;

/// <summary>How many calls are under way, for whoever waits for their end.</summary>
internal sealed class CallCount
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _none;
    private int _underWay;

    /// <summary>Each call leaves once.</summary>
    public CallCount Enter()
    {
        lock (_gate)
            _underWay++;
        return this;
    }

    public void Leave()
    {
        lock (_gate)
        {
            if (--_underWay == 0)
                _none?.TrySetResult();
        }
    }

    /// <summary>Completes at a moment when no call is under way.</summary>
    public Task UntilNoneAsync()
    {
        lock (_gate)
        {
            if (_underWay == 0)
                return Task.CompletedTask;
            if (_none is null or { Task.IsCompleted: true })
                _none = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _none.Task;
        }
    }
}
