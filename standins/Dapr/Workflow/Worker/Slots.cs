namespace Dapr.Workflow.Worker;

/// <summary>Bounds how many work items of a kind run at a time, and knows when none does.</summary>
internal sealed class Slots(int max) : IDisposable
{
    private readonly SemaphoreSlim _free = new(max, max);

    /// <summary>Runs the work once there is a slot; work that has not begun by the stop is dropped.</summary>
    internal async Task RunAsync(Func<Task> work, CancellationToken stop)
    {
        try
        {
            await _free.WaitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return; // The engine sends it again, to whoever connects next.
        }
        try
        {
            if (!stop.IsCancellationRequested)
                await work();
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Waits until nothing runs. Nothing can begin afterwards.</summary>
    internal async Task DrainAsync(CancellationToken cancellationToken)
    {
        for (var slot = 0; slot < max; slot++)
            await _free.WaitAsync(cancellationToken);
    }

    public void Dispose() => _free.Dispose();
}
