using System.Collections.Concurrent;
using System.Diagnostics;

namespace Souk.Bench;

/// <summary>An operation to start again and again.</summary>
internal sealed record Load(double PerSecond, Func<long, CancellationToken, Task> Operation);

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

        // A thread of its own: what the load does to the thread pool must not change the rate.
        await Task.Factory.StartNew(
            StartAll,
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
        await Task.WhenAll(pending);
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new LoadResult([.. latencies.Order()], failures, elapsed);

        void StartAll()
        {
            FineSleep.BePunctual();
            for (var i = 0L; i < count; i++)
            {
                var due = start + (long)(i * ticksBetween);
                FineSleep.Until(due);
                cancellationToken.ThrowIfCancellationRequested();
                if (Volatile.Read(ref inFlight) >= InFlightMax)
                {
                    failures.AddOrUpdate("generator full", 1, (_, n) => n + 1);
                    continue;
                }

                Interlocked.Increment(ref inFlight);
                pending.Add(OneAsync(i, due));
            }
        }

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
}

/// <summary>An operation that the shop answered, but not as it should have.</summary>
internal sealed class OperationFailedException(string message) : Exception(message);
