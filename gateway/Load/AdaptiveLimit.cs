namespace Souk.Gateway.Load;

/// <summary>
/// How many calls a service may have at once, learned from how it answers. While calls take as long as they
/// usually do, more are let in; when they take several times as long, they are queueing somewhere, and the
/// limit shrinks until they do not. Calls that end without an answer shrink it at once.
/// </summary>
internal sealed class AdaptiveLimit(TimeProvider clock)
{
    public const int Initial = 256;
    public const int Min = 32;
    public const int Max = 4096;

    /// <summary>How much longer than usual a call may take before that counts as queueing.</summary>
    private const double Tolerance = 3;

    private const double ShrinkMost = 0.5;
    private const double ShrinkOnLoss = 0.8;
    private const int SamplesMin = 10;
    private static readonly long WindowTicks = TimeSpan.FromMilliseconds(250).Ticks;

    private readonly Lock _gate = new();
    private double _limit = Initial;
    private double _slowness;
    private int _samples;
    private int _losses;
    private int _mostAtOnce;
    private long _windowEnds;

    /// <summary>Calls at once.</summary>
    public int Current => (int)Volatile.Read(ref _limit);

    /// <summary>A call was answered.</summary>
    /// <param name="slowness">How many times its usual time it took.</param>
    /// <param name="atOnce">Calls that were under way beside it.</param>
    public void Answered(double slowness, int atOnce) => Learn(slowness, atOnce, 0);

    /// <summary>A call got no answer in its time.</summary>
    public void Lost(int atOnce) => Learn(0, atOnce, 1);

    private void Learn(double slowness, int atOnce, int losses)
    {
        var now = clock.GetUtcNow().Ticks;
        lock (_gate)
        {
            _losses += losses;
            _samples += 1 - losses;
            _slowness += slowness;
            _mostAtOnce = Math.Max(_mostAtOnce, atOnce);
            if (_windowEnds == 0)
                _windowEnds = now + WindowTicks;
            if (now < _windowEnds || _samples + _losses < SamplesMin)
                return;
            _limit = Math.Clamp(Next(), Min, Max);
            (_slowness, _samples, _losses, _mostAtOnce) = (0, 0, 0, 0);
            _windowEnds = now + WindowTicks;
        }
    }

    private double Next()
    {
        // Few calls that are slow say that the service is slow, not that it has too many of them.
        if (_mostAtOnce * 2 < _limit)
            return _limit;
        if (_losses * 10 > _samples)
            return _limit * ShrinkOnLoss;
        var fit = Tolerance / Math.Max(_slowness / Math.Max(_samples, 1), 1);
        return fit >= 1 ? _limit + Math.Sqrt(_limit) : _limit * Math.Max(fit, ShrinkMost);
    }
}
