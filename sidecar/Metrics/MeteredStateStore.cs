using System.Diagnostics;
using Souk.Sidecar.State;

namespace Souk.Sidecar.Metrics;

/// <summary>A state store as one app uses it, counted.</summary>
internal sealed class MeteredStateStore(IStateStore store, string name, AppMetrics metrics) : IStateStore
{
    public IReadOnlyList<string> Capabilities => store.Capabilities;

    public TimeSpan Timeout => store.Timeout;

    public Task<StateValue?> GetAsync(string key, CancellationToken cancellation) =>
        CountAsync("get", store.GetAsync(key, cancellation));

    public Task<IReadOnlyDictionary<string, StateValue>> GetManyAsync(
        IReadOnlyCollection<string> keys,
        CancellationToken cancellation
    ) => CountAsync("bulk_get", store.GetManyAsync(keys, cancellation));

    public Task ApplyAsync(StateChange change, CancellationToken cancellation) =>
        CountAsync(change.IsDelete ? "delete" : "set", DoneAsync(store.ApplyAsync(change, cancellation)));

    public Task TransactAsync(IReadOnlyList<StateChange> changes, CancellationToken cancellation) =>
        CountAsync("transaction", DoneAsync(store.TransactAsync(changes, cancellation)));

    // The store belongs to all apps, and to none of them alone.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<T> CountAsync<T>(string operation, Task<T> work)
    {
        var started = Stopwatch.GetTimestamp();
        var succeeded = false;
        try
        {
            var result = await work;
            succeeded = true;
            return result;
        }
        finally
        {
            metrics.StateDone(name, operation, succeeded, started);
        }
    }

    private static async Task<bool> DoneAsync(Task work)
    {
        await work;
        return true;
    }
}
