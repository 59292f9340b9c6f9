using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Souk.Shared;
using Souk.Shared.Holds;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared.Holds;

/// <summary>The engine over a database of its own, without any service around it.</summary>
internal abstract class HoldsFixture
{
    private static int s_names;

    // The only line that Db logs is that a transaction was undone and runs again.
    private readonly RecordingLogger _conflicts = new();
    private TestDatabase _database = null!;

    protected ManualTimeProvider Clock { get; } = new();

    protected HoldEngine Engine { get; set; } = new();

    protected Db Db { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task CreateDatabase()
    {
        _database = TestDatabase.Named("holds", settings => settings with { PoolMax = 30 });
        var migrator = new Migrator(_database.Settings, Clock, NullLogger<Migrator>.Instance);
        await migrator.RunAsync(Migration.From(typeof(Db).Assembly, "holds", "holds"), default);
        var source = NpgsqlDataSource.Create(_database.Settings.ConnectionString());
        Db = new Db(source, Clock, new Logger<Db>(_conflicts));
    }

    [OneTimeTearDown]
    public async Task DropDatabase()
    {
        _conflicts.Dispose();
        if (Db is null)
            return;
        await Db.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>A key that no other test has.</summary>
    protected static PoolKey NewKey(string place = "here") =>
        new($"item-{Interlocked.Increment(ref s_names):D6}", place);

    protected async Task<PoolKey> StockedKeyAsync(long quantity, string place = "here")
    {
        var key = NewKey(place);
        await ReceiveAsync(key, quantity);
        return key;
    }

    protected Task<PoolChange> ReceiveAsync(PoolKey key, long quantity) =>
        Db.InTransactionAsync(
            tx => HoldEngine.ReceiveAsync(tx, new HoldLine(key, quantity), "delivery"),
            default
        );

    protected HoldRequest Request(params (PoolKey Key, long Quantity)[] lines) =>
        new(
            Ids.New(Clock),
            "user",
            "order",
            [.. lines.Select(line => new HoldLine(line.Key, line.Quantity))],
            TimeSpan.FromMinutes(10)
        );

    protected Task<HoldResult> ReserveAsync(HoldRequest request) =>
        Engine.ReserveAsync(Db, request, (_, _) => Task.CompletedTask, default);

    /// <summary>A hold that stands.</summary>
    protected async Task<Guid> HoldAsync(params (PoolKey Key, long Quantity)[] lines)
    {
        var result = await ReserveAsync(Request(lines));
        Assert.That(result.Outcome, Is.EqualTo(HoldOutcome.Done));
        return result.Hold!.HoldId;
    }

    protected Task<HoldResult> CompleteAsync(Guid holdId) =>
        Db.InTransactionAsync(tx => HoldEngine.CompleteAsync(tx, holdId), default);

    protected Task<HoldResult> ReleaseAsync(Guid holdId) =>
        Db.InTransactionAsync(tx => HoldEngine.ReleaseAsync(tx, holdId), default);

    protected Task<HoldResult> RestockAsync(Guid holdId) =>
        Db.InTransactionAsync(tx => HoldEngine.RestockAsync(tx, holdId), default);

    protected async Task<List<Guid>> ExpireAsync()
    {
        var expired = new List<Guid>();
        while (true)
        {
            var run = await Db.InTransactionAsync(HoldEngine.ExpireAsync, default);
            expired.AddRange(run.HoldIds);
            if (!run.HasMore)
                return expired;
        }
    }

    /// <summary>A pool's available, reserved and version.</summary>
    protected async Task<(long Available, long Reserved, long Version)> PoolAsync(PoolKey key)
    {
        var pool = await Db.OneAsync(PoolSql, [key.Item, key.Place], PoolState.Read, default);
        return pool is null ? default : (pool.Available, pool.Reserved, pool.Version);
    }

    private const string PoolSql = """
        select item, place, available, reserved, version from pool where item = $1 and place = $2
        """;

    /// <summary>Replay equals current, for the items.</summary>
    protected async Task AssertAuditAsync(params IEnumerable<PoolKey> keys)
    {
        foreach (var item in keys.Select(key => key.Item).Distinct())
            Assert.That(await HoldEngine.AuditAsync(Db, item, default), Is.Empty);
    }

    /// <summary>PostgreSQL had to end no wait by force in this fixture's database so far.</summary>
    protected void AssertNoDeadlocks() => Assert.That(_conflicts.Lines, Is.Empty);
}
