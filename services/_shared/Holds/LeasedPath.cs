namespace Souk.Shared.Holds;

/// <summary>Short exclusive leases by name, such as Dapr's lock API.</summary>
public interface ILeases
{
    /// <summary>
    /// Takes the lease, waiting a moment; null when somebody keeps it or the lock service is away.
    /// </summary>
    Task<IAsyncDisposable?> TryTakeAsync(string name, CancellationToken token);
}

/// <summary>
/// The optimistic path below one lease per item, so that rivals rarely have to try again. A lease is a
/// courtesy: without it, or after it was lost, the version still decides (it is the fencing token), so
/// nothing can be sold twice.
/// </summary>
internal sealed class LeasedPath(ILeases leases) : IReservePath
{
    private readonly OptimisticPath _versions = new();

    public Task<Reserving> ReserveAsync(DbTransaction tx, NewHold hold) => _versions.ReserveAsync(tx, hold);

    public async Task<T> AroundAsync<T>(
        IReadOnlyList<string> items,
        Func<Task<T>> work,
        CancellationToken token
    )
    {
        var taken = new Stack<IAsyncDisposable>();
        try
        {
            // In order, as two holds that take leases crosswise would only wait each other out.
            foreach (var item in items.Distinct().Order(StringComparer.Ordinal))
            {
                if (await leases.TryTakeAsync($"pool:{item}", token) is { } lease)
                    taken.Push(lease);
            }
            return await work();
        }
        finally
        {
            while (taken.TryPop(out var lease))
                await lease.DisposeAsync();
        }
    }
}
