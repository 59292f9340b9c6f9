using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Souk.Shared;
using Souk.Shared.Holds;

namespace Souk.Bench.Holds;

/// <summary>
/// The reservation engine's paths side by side, on a database of their own: everybody after one key, and
/// everybody after any of a thousand. Needs <c>SOUK_POSTGRES</c>.
/// </summary>
internal static class HoldBench
{
    private const int Buyers = 16;
    private const int Keys = 1_000;
    private const int Rounds = 3;
    private const long Stock = 1_000_000_000;
    private const string Place = "here";

    private static readonly (string Name, HoldPath Path)[] Paths =
    [
        ("row locks", HoldPath.Pessimistic),
        ("versions", HoldPath.Optimistic),
        ("versions below leases", HoldPath.Leased),
    ];

    /// <summary>Measures each path on each crowd in turn, so that what else the machine does meets
    /// all.</summary>
    public static async Task RunAsync(TimeSpan duration, string directory, CancellationToken cancellation)
    {
        var settings = ServiceSettings.FromEnvironment("bench") with
        {
            Database = $"souk_bench_{Guid.CreateVersion7():N}",
            PoolMax = Buyers,
        };
        await using var db = await CreateAsync(settings, cancellation);
        try
        {
            await MeasureAsync(db, duration, directory, cancellation);
        }
        finally
        {
            await DropAsync(settings);
        }
    }

    private static async Task MeasureAsync(
        Db db,
        TimeSpan duration,
        string directory,
        CancellationToken cancellation
    )
    {
        var hot = new PoolKey("hot", Place);
        PoolKey[] many = [.. Enumerable.Range(0, Keys).Select(i => new PoolKey($"item-{i}", Place))];
        foreach (var key in many.Append(hot))
            await db.InTransactionAsync(
                tx => HoldEngine.ReceiveAsync(tx, new HoldLine(key, Stock), "delivery"),
                cancellation
            );
        var figures = new Figures("holds", "holds.json");
        foreach (var (crowd, keys) in new[] { ("one key", (PoolKey[])[hot]), ("1,000 keys", many) })
        {
            var runs = Paths.ToDictionary(path => path.Name, _ => new List<HoldRun>());
            // Round 0 warms up.
            for (var round = 0; round <= Rounds; round++)
            {
                foreach (var (name, path) in Paths)
                {
                    var engine = new HoldEngine(path, path == HoldPath.Leased ? new LocalLeases() : null);
                    var time = round == 0 ? duration / 4 : duration;
                    var run = await HoldRun.MakeAsync(db, engine, keys, Buyers, time, cancellation);
                    if (round > 0)
                        runs[name].Add(run);
                }
            }
            foreach (var (name, all) in runs)
                Note(figures, $"{crowd}, {name}", all);
        }
        figures.Print();
        await figures.WriteAsync(directory, cancellation);
    }

    private static void Note(Figures figures, string what, IReadOnlyList<HoldRun> runs)
    {
        figures.Note(what, Median.Of(runs, run => run.PerSecond), "holds/s");
        figures.Note("  p95", Median.Of(runs, run => run.P95), "ms");
        figures.Note("  given up after rivals won", Median.Of(runs, run => run.LostPercent), "%");
    }

    private static async Task<Db> CreateAsync(ServiceSettings settings, CancellationToken cancellation)
    {
        var migrator = new Migrator(settings, TimeProvider.System, NullLogger<Migrator>.Instance);
        await migrator.RunAsync(Migration.From(typeof(Db).Assembly, "holds", "holds"), cancellation);
        var source = NpgsqlDataSource.Create(settings.ConnectionString());
        return new Db(source, TimeProvider.System, NullLogger<Db>.Instance);
    }

    private static async Task DropAsync(ServiceSettings settings)
    {
        await using var admin = NpgsqlDataSource.Create(
            settings.ConnectionString("postgres") + ";Pooling=false"
        );
        var sql = string.Create(
            CultureInfo.InvariantCulture,
            $"drop database if exists {settings.Database} with (force)"
        );
        await using var drop = admin.CreateCommand(sql);
        await drop.ExecuteNonQueryAsync();
    }
}
