namespace Souk.Gateway.Load;

/// <summary>A call that was let in. Dispose it when the call has ended.</summary>
internal sealed class LoadLease(ServiceLoad service, UsualTime? usual, TimeProvider clock) : IDisposable
{
    private readonly long _start = clock.GetTimestamp();
    private bool _isAnswered;
    private bool _isLost;

    /// <summary>The service answered, whatever it said.</summary>
    public void Answered() => _isAnswered = true;

    /// <summary>The time was over before the service answered.</summary>
    public void Lost() => _isLost = true;

    public void Dispose()
    {
        var atOnce = service.Leave();
        if (_isLost)
            service.Limit.Lost(atOnce);
        else if (_isAnswered && usual is not null)
            service.Limit.Answered(usual.SlownessOf(clock.GetElapsedTime(_start)), atOnce);
    }
}
