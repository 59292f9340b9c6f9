using Microsoft.Extensions.ObjectPool;

namespace Souk.Gateway.Calls;

/// <summary>
/// A token that is cancelled when a call's time is over or its caller leaves, whichever is first. Pooled:
/// nearly every call ends before both, and its source and timer can then serve another call.
/// </summary>
internal sealed class Deadline : IResettable, IDisposable
{
    private const int KeptMax = 1024;

    private static readonly ObjectPool<Deadline> Pool = new DefaultObjectPool<Deadline>(
        new DefaultPooledObjectPolicy<Deadline>(),
        KeptMax
    );

    private readonly CancellationTokenSource _source = new();
    private CancellationTokenRegistration _caller;

    public CancellationToken Token => _source.Token;

    /// <summary>
    /// Starts the time. Nobody may use the token any more once the deadline is disposed: it serves another
    /// call then.
    /// </summary>
    public static Deadline Begin(TimeSpan time, CancellationToken caller)
    {
        var deadline = Pool.Get();
        deadline._source.CancelAfter(time);
        deadline._caller = caller.UnsafeRegister(Leave, deadline._source);
        return deadline;
    }

    public void Dispose()
    {
        _caller.Dispose();
        Pool.Return(this);
    }

    bool IResettable.TryReset()
    {
        if (_source.TryReset())
            return true;
        // A cancelled source serves no other call, and its timer must not stay behind.
        _source.Dispose();
        return false;
    }

    private static void Leave(object? source) => (source as CancellationTokenSource)?.Cancel();
}
