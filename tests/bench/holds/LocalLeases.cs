using System.Collections.Concurrent;
using Souk.Shared.Holds;

namespace Souk.Bench.Holds;

/// <summary>Leases in this process's memory: as quick as no lock service can be.</summary>
internal sealed class LocalLeases : ILeases
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();

    public async Task<IAsyncDisposable?> TryTakeAsync(string name, CancellationToken token)
    {
        var gate = _gates.GetOrAdd(name, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(token);
        return new Lease(gate);
    }

    private sealed class Lease(SemaphoreSlim gate) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            gate.Release();
            return ValueTask.CompletedTask;
        }
    }
}
