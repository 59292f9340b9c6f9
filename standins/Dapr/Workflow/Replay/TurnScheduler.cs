namespace Dapr.Workflow.Replay;

/// <summary>
/// Runs the continuations of one workflow turn on the turn's own thread, first come first served. Replay is
/// only as deterministic as the order of continuations, so nothing from another thread gets in.
/// </summary>
internal sealed class TurnScheduler : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Run, object? State)> _ready = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile bool _disturbed;
    private bool _closed;

    /// <summary>Whether another thread tried to run the workflow's code.</summary>
    internal bool IsDisturbed => _disturbed;

    /// <summary>Whether the caller is workflow code within its turn.</summary>
    internal bool IsCurrent =>
        !_closed && Environment.CurrentManagedThreadId == _thread && ReferenceEquals(Current, this);

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        // A post from elsewhere is the end of something that the workflow must not wait for, such as
        // Task.Delay. It is lost, and the end of the turn reports it.
        if (!_closed && Environment.CurrentManagedThreadId == _thread)
            _ready.Enqueue((d, state));
        else
            _disturbed = true;
    }

    /// <inheritdoc/>
    public override void Send(SendOrPostCallback d, object? state) => d(state);

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    /// <summary>
    /// Runs the callback of a cancellation, unless it comes from elsewhere (as CancelAsync's does).
    /// </summary>
    internal void Guard(Action callback)
    {
        if (IsCurrent)
            callback();
        else
            _disturbed = true;
    }

    /// <summary>
    /// Runs the turn; everything that becomes ready runs before <paramref name="turn"/>'s next step.
    /// </summary>
    internal void Run(Action turn)
    {
        var previous = Current;
        SetSynchronizationContext(this);
        try
        {
            turn();
        }
        finally
        {
            _closed = true;
            SetSynchronizationContext(previous);
        }
    }

    /// <summary>Runs what is ready, and what that makes ready.</summary>
    internal void Drain()
    {
        while (_ready.TryDequeue(out var next))
            next.Run(next.State);
    }
}
