using System.Diagnostics;
using Souk.Shared;
using Souk.Shared.Holds;

namespace Souk.Bench.Holds;

/// <summary>What a crowd of buyers got, each holding one unit after the other as fast as it can.</summary>
/// <param name="PerSecond">Holds that stood.</param>
/// <param name="P95">Of every attempt, in milliseconds.</param>
/// <param name="LostPercent">Attempts that ended in VERSION_CONFLICT.</param>
internal sealed record HoldRun(double PerSecond, double P95, double LostPercent)
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(10);

    public static async Task<HoldRun> MakeAsync(
        Db db,
        HoldEngine engine,
        PoolKey[] keys,
        int buyers,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        var start = Stopwatch.GetTimestamp();
        var all = await Task.WhenAll(Enumerable.Range(0, buyers).Select(BuyAsync));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var latencies = all.SelectMany(buyer => buyer.Latencies).Order().ToArray();
        var lost = all.Sum(buyer => buyer.Lost);
        return new HoldRun(
            (latencies.Length - lost) / seconds,
            OpenLoop.Percentile(latencies, 0.95),
            100.0 * lost / latencies.Length
        );

        async Task<(List<double> Latencies, int Lost)> BuyAsync(int buyer)
        {
            // The same keys in the same order for every path.
            var random = new Random(buyer);
            var mine = new List<double>();
            var conflicts = 0;
            while (Stopwatch.GetElapsedTime(start) < duration)
            {
                var line = new HoldLine(keys[random.Next(keys.Length)], 1);
                var request = new HoldRequest(Guid.CreateVersion7(), "buyer", "order", [line], Ttl);
                var from = Stopwatch.GetTimestamp();
                var result = await engine.ReserveAsync(
                    db,
                    request,
                    (_, _) => Task.CompletedTask,
                    cancellation
                );
                mine.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
                if (result.Outcome == HoldOutcome.Conflict)
                    conflicts++;
            }
            return (mine, conflicts);
        }
    }
}
