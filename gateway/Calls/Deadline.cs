using Microsoft.Extensions.ObjectPool;

namespace Souk.Gateway.Calls;

/// <summary>
/// Ends with a call's time or with its caller, whichever is first. Nearly every call ends before both, and
/// then what watched over it watches over another one.
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

    /// <summary>Begins to watch. Who disposes it has let go of the token.</summary>
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
        // It has ended its call, and serves no other; nor does its timer stay behind.
        _source.Dispose();
        return false;
    }

    private static void Leave(object? source) => (source as CancellationTokenSource)?.Cancel();
}
