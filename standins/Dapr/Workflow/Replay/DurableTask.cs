using Dapr.Common.Serialization;

namespace Dapr.Workflow.Replay;

/// <summary>Something that the workflow waits for and that the history completes.</summary>
internal abstract class DurableTask
{
    /// <summary>Told once, before the workflow's code continues.</summary>
    internal Action? Settled { get; set; }

    internal bool IsSettled { get; private set; }

    internal abstract void Complete(string? json);

    internal abstract void Fail(Exception failure);

    internal abstract void Cancel();

    /// <summary>Whether this call is the one that settles the task.</summary>
    protected bool Settle()
    {
        if (IsSettled)
            return false;
        IsSettled = true;
        Settled?.Invoke();
        return true;
    }
}

/// <summary>The same with its result.</summary>
internal sealed class DurableTask<T>(IDaprSerializer serializer) : DurableTask
{
    // Continuations run inline on purpose: asynchronous ones could be sent to the thread pool by
    // Task.WhenAll.
    private readonly TaskCompletionSource<T> _source = new();

    internal Task<T> Task => _source.Task;

    internal override void Complete(string? json)
    {
        if (!Settle())
            return;
        T result;
        try
        {
            result = serializer.Read<T>(json);
        }
        catch (Exception unreadable)
        {
            _source.SetException(unreadable); // The workflow's own failure: it asked for the wrong type.
            return;
        }
        _source.SetResult(result);
    }

    internal override void Fail(Exception failure)
    {
        if (Settle())
            _source.SetException(failure);
    }

    internal override void Cancel()
    {
        if (Settle())
            _source.SetCanceled(new CancellationToken(canceled: true));
    }
}
