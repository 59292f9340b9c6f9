namespace Souk.Bench;

/// <summary>What a scenario showed in one round.</summary>
/// <param name="DonePerSecond">Operations that succeeded per second of the whole round, its tail
/// included.</param>
/// <param name="Failures">Operations that did not succeed, by reason.</param>
/// <param name="P50">Median latency in milliseconds.</param>
/// <param name="P95">95th percentile in milliseconds.</param>
/// <param name="P99">99th percentile in milliseconds.</param>
/// <param name="Max">Slowest in milliseconds.</param>
internal sealed record Round(
    double DonePerSecond,
    IReadOnlyDictionary<string, int> Failures,
    double P50,
    double P95,
    double P99,
    double Max
)
{
    public static Round Of(LoadResult result)
    {
        var sorted = result.Latencies;
        return new Round(
            sorted.Length / result.Seconds,
            result.Failures,
            OpenLoop.Percentile(sorted, 0.50),
            OpenLoop.Percentile(sorted, 0.95),
            OpenLoop.Percentile(sorted, 0.99),
            sorted.Length == 0 ? 0 : sorted[^1]
        );
    }
}

/// <summary>What a scenario showed: of several rounds the median of each figure.</summary>
/// <param name="Name">The scenario.</param>
/// <param name="OfferedPerSecond">Operations started per second.</param>
/// <param name="TargetP95">The latency to stay under, in milliseconds; null where throughput is the
/// target.</param>
/// <param name="TargetPerSecond">The rate to reach; null where latency is the target.</param>
internal sealed record Measurement(
    string Name,
    double OfferedPerSecond,
    double? TargetP95,
    double? TargetPerSecond,
    IReadOnlyList<Round> Rounds
)
{
    // An open loop's rate ends a tail after its last start: 5% is the tail's share.
    private const double RateShare = 0.95;

    public double DonePerSecond => Median.Of(Rounds, round => round.DonePerSecond);

    public double P50 => Median.Of(Rounds, round => round.P50);

    public double P95 => Median.Of(Rounds, round => round.P95);

    public double P99 => Median.Of(Rounds, round => round.P99);

    /// <summary>Of all rounds: a failure is not averaged away.</summary>
    public IReadOnlyDictionary<string, int> Failures =>
        Rounds
            .SelectMany(round => round.Failures)
            .GroupBy(failure => failure.Key, failure => failure.Value)
            .ToDictionary(reason => reason.Key, reason => reason.Sum());

    public bool IsMet =>
        Failures.Count == 0
        && (TargetP95 is not { } ms || P95 < ms)
        && (TargetPerSecond is not { } rate || DonePerSecond >= rate * RateShare);
}
