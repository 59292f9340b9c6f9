using System.Collections.Concurrent;
using System.Diagnostics;

namespace Souk.Bench;

/// <summary>An operation to start again and again.</summary>
internal sealed record Load(double PerSecond, Func<long, CancellationToken, Task> Operation)
{
    /// <summary>
    /// How late the generator may be without the operation being charged for it. A timer's grain is a
    /// millisecond: nothing to a purchase, everything to a call of a quarter of it.
    /// </summary>
    public TimeSpan Grain { get; init; }
}

/// <summary>What became of a load: latencies in milliseconds, shortest first.</summary>
internal sealed record LoadResult(
    double[] Latencies,
    IReadOnlyDictionary<string, int> Failures,
    double Seconds
);

/// <summary>
/// Starts operations at a constant rate, whether or not earlier ones have ended, and measures each from the
/// instant it was due: a stall is charged to all that it delayed, as users would feel it.
/// </summary>
internal static class OpenLoop
{
    /// <summary>Operations under way at once; beyond it an operation is dropped and counted as a
    /// failure.</summary>
    private const int InFlightMax = 2_000;

    public static async Task<LoadResult> RunAsync(
        Load load,
        TimeSpan duration,
        CancellationToken cancellationToken
    )
    {
        var latencies = new ConcurrentBag<double>();
        var failures = new ConcurrentDictionary<string, int>();
        var count = (long)(load.PerSecond * duration.TotalSeconds);
        var ticksBetween = Stopwatch.Frequency / load.PerSecond;
        var pending = new List<Task>((int)count);
        var inFlight = 0;
        var start = Stopwatch.GetTimestamp();

        for (var i = 0L; i < count; i++)
        {
            var due = start + (long)(i * ticksBetween);
            await UntilAsync(due, cancellationToken);
            if (Volatile.Read(ref inFlight) >= InFlightMax)
            {
                failures.AddOrUpdate("generator full", 1, (_, n) => n + 1);
                continue;
            }

            Interlocked.Increment(ref inFlight);
            var late = Stopwatch.GetElapsedTime(due);
            pending.Add(OneAsync(i, late < load.Grain ? Stopwatch.GetTimestamp() : due));
        }

        await Task.WhenAll(pending);
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new LoadResult([.. latencies.Order()], failures, elapsed);

        async Task OneAsync(long index, long from)
        {
            try
            {
                await load.Operation(index, cancellationToken);
                latencies.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
            }
            catch (Exception fault) when (!cancellationToken.IsCancellationRequested)
            {
                failures.AddOrUpdate(fault.Message, 1, (_, n) => n + 1);
            }
            finally
            {
                Interlocked.Decrement(ref inFlight);
            }
        }
    }

    /// <summary>The value below which the share of a sorted list lies, by nearest rank.</summary>
    internal static double Percentile(double[] sorted, double share) =>
        sorted.Length == 0
            ? 0
            : sorted[Math.Clamp((int)Math.Ceiling(sorted.Length * share) - 1, 0, sorted.Length - 1)];

    private static async ValueTask UntilAsync(long due, CancellationToken cancellationToken)
    {
        // Task.Delay has a grain of a millisecond: an operation may start that late, and its latency says so.
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, cancellationToken);
        }
    }
}

/// <summary>An operation that the shop answered, but not as it should have.</summary>
internal sealed class OperationFailedException(string message) : Exception(message);
