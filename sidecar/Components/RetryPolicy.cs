namespace Souk.Sidecar.Components;

/// <summary>How often and how fast something is tried again.</summary>
internal sealed record RetryPolicy(bool Exponential, TimeSpan Duration, TimeSpan MaxInterval, int MaxRetries)
{
    // Dapr's exponential policy gives up after this long whatever its number of retries.
    private static readonly TimeSpan ExponentialElapsedMax = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan ExponentialStart = TimeSpan.FromMilliseconds(500);
    private const double ExponentialFactor = 1.5;

    /// <summary>gRPC status codes that are worth a retry; null for all.</summary>
    public IReadOnlyList<(int From, int To)>? GrpcCodes { get; init; }

    /// <summary>HTTP status codes that are worth a retry; null for all.</summary>
    public IReadOnlyList<(int From, int To)>? HttpCodes { get; init; }

    public static RetryPolicy None { get; } = new(false, TimeSpan.Zero, TimeSpan.Zero, 0);

    /// <summary>
    /// How long to wait before retry number <paramref name="retry"/> (from 1), or null to give up.
    /// <paramref name="jitter"/> is from 0 to 1.
    /// </summary>
    public TimeSpan? DelayBefore(int retry, TimeSpan elapsed, double jitter)
    {
        if (MaxRetries >= 0 && retry > MaxRetries)
            return null;
        if (!Exponential)
            return Duration;
        if (elapsed > ExponentialElapsedMax)
            return null;
        var grown = ExponentialStart * Math.Pow(ExponentialFactor, Math.Min(retry - 1, 64));
        var capped = grown > MaxInterval ? MaxInterval : grown;
        return capped * (0.5 + jitter);
    }

    public bool Covers(int grpcCode) => IsIn(GrpcCodes, grpcCode);

    public bool CoversHttp(int status) => IsIn(HttpCodes, status);

    private static bool IsIn(IReadOnlyList<(int From, int To)>? ranges, int code) =>
        ranges is null || ranges.Any(range => code >= range.From && code <= range.To);
}

/// <summary>A retry policy, and for each attempt a time limit (zero for none) and a circuit.</summary>
internal sealed record Resilience(RetryPolicy Retry, TimeSpan Timeout)
{
    public CircuitBreaker? Breaker { get; init; }

    public static Resilience None { get; } = new(RetryPolicy.None, TimeSpan.Zero);
}
