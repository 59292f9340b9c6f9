namespace Dapr.Workflow;

/// <summary>Fan-out with a bound.</summary>
public static class ParallelExtensions
{
    /// <summary>Runs a task per input, some at a time; the results are in the inputs' order.</summary>
    public static async Task<TResult[]> ProcessInParallelAsync<TInput, TResult>(
        this WorkflowContext context,
        IEnumerable<TInput> inputs,
        Func<TInput, Task<TResult>> taskFactory,
        int maxConcurrency = 5
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(taskFactory);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxConcurrency);

        var all = inputs.ToArray();
        var results = new TResult[all.Length];
        var next = 0;
        var lanes = new Task[Math.Min(maxConcurrency, all.Length)];
        for (var lane = 0; lane < lanes.Length; lane++)
            lanes[lane] = LaneAsync();
        await Task.WhenAll(lanes);
        return results;

        // A turn is single-threaded, so the lanes share the counter without a lock, in the same order in
        // every replay.
        async Task LaneAsync()
        {
            while (next < all.Length)
            {
                var index = next++;
                results[index] = await taskFactory(all[index]);
            }
        }
    }
}
