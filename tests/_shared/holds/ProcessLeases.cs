using System.Collections.Concurrent;
using Souk.Shared.Holds;

namespace Souk.Tests.Shared.Holds;

/// <summary>
/// Leases within this process; when they do not hold, everybody gets one, as after an expiry.
/// </summary>
internal sealed class ProcessLeases(bool hold) : ILeases
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();

    public async Task<IAsyncDisposable?> TryTakeAsync(string name, CancellationToken token)
    {
        var gate = _gates.GetOrAdd(name, _ => new SemaphoreSlim(1, 1));
        if (hold)
            await gate.WaitAsync(token);
        return new Lease(() =>
        {
            if (hold)
                gate.Release();
        });
    }

    private sealed class Lease(Action end) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            end();
            return ValueTask.CompletedTask;
        }
    }
}
