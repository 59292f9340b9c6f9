using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

internal sealed class DbTests : ProbeFixture
{
    private const string SetSql = "update counter set value = $2 where name = $1";
    private const string AddSql = "insert into counter (name, value) values ($1, $2)";

    [Test]
    public async Task InTransaction_WorkFails_UndoesAllAndRunsNothingAfterwards()
    {
        var after = 0;
        Assert.That(
            async () =>
                await Probe.Db.InTransactionAsync(
                    async tx =>
                    {
                        await tx.ExecuteAsync(AddSql, ["undone", 1L], CancellationToken.None);
                        tx.AfterCommit(() => after++);
                        throw new InvalidOperationException("as asked");
                    },
                    CancellationToken.None
                ),
            Throws.InvalidOperationException
        );
        Assert.That(await ValueOf("undone"), Is.Zero);
        Assert.That(after, Is.Zero);
    }

    [Test]
    public async Task InTransaction_Deferred_RunsWithTheCommitInOrder()
    {
        var after = 0;
        await Probe.Db.InTransactionAsync(
            async tx =>
            {
                tx.Defer(AddSql, ["deferred", 1L]);
                tx.Defer(SetSql, ["deferred", 2L]);
                tx.AfterCommit(() => after++);
                Assert.That(
                    await tx.ScalarAsync<long>(CountSql, ["deferred"], CancellationToken.None),
                    Is.Zero
                );
            },
            CancellationToken.None
        );
        Assert.That(await ValueOf("deferred"), Is.EqualTo(2));
        Assert.That(after, Is.EqualTo(1));
    }

    private const string CountSql = "select count(*) from counter where name = $1";

    private const string DieSql = "select pg_terminate_backend(pg_backend_pid())";

    [Test, Description("ORD-08")]
    public async Task InTransaction_ConnectionLostAtWork_RunsAgain()
    {
        var runs = 0;
        await Probe.Db.InTransactionAsync(
            async tx =>
            {
                await tx.ExecuteAsync(AddSql, ["again", 1L], CancellationToken.None);
                if (++runs == 1)
                    await tx.ExecuteAsync(DieSql, [], CancellationToken.None);
            },
            CancellationToken.None
        );
        Assert.That(runs, Is.EqualTo(2));
        Assert.That(await ValueOf("again"), Is.EqualTo(1));
    }

    [Test, Description("ORD-08")]
    public async Task Scalar_EveryPooledConnectionDead_ReadsAllTheSame()
    {
        await using var database = TestDatabase.Named("dead");
        var settings = database.Settings;
        await new Migrator(settings, TimeProvider.System, NullLogger<Migrator>.Instance).RunAsync(
            [],
            CancellationToken.None
        );
        await using var source = NpgsqlDataSource.Create(settings.ConnectionString());
        var db = new Db(source, TimeProvider.System, NullLogger<Db>.Instance);
        await Task.WhenAll(
            Enumerable
                .Range(0, 5)
                .Select(_ => db.ScalarAsync<string>("select pg_sleep(0.2)::text", [], CancellationToken.None))
        );
        await Probe.Db.ListAsync(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
            [settings.Database],
            row => row.GetBoolean(0),
            CancellationToken.None
        );
        for (var i = 0; i < 5; i++)
            Assert.That(await db.ScalarAsync<int>("select 1", [], CancellationToken.None), Is.EqualTo(1));
    }

    [Test, Description("ORD-08")]
    public void InTransaction_ConnectionLostAtCommit_IsNotGuessedAbout()
    {
        var runs = 0;
        Assert.That(
            async () =>
                await Probe.Db.InTransactionAsync(
                    tx =>
                    {
                        runs++;
                        tx.Defer(DieSql, []);
                        return Task.CompletedTask;
                    },
                    CancellationToken.None
                ),
            Throws.InstanceOf<NpgsqlException>()
        );
        Assert.That(runs, Is.EqualTo(1));
    }

    [Test]
    public async Task InTransaction_DeferredStatementFails_UndoesAll()
    {
        Assert.That(
            async () =>
                await Probe.Db.InTransactionAsync(
                    async tx =>
                    {
                        await tx.ExecuteAsync(AddSql, ["negative", 1L], CancellationToken.None);
                        tx.Defer(SetSql, ["negative", -1L]);
                    },
                    CancellationToken.None
                ),
            Throws
                .InstanceOf<PostgresException>()
                .With.Matches<PostgresException>(error => error!.IsCheck("counter_value_check"))
        );
        Assert.That(await ValueOf("negative"), Is.Zero);
        Assert.That(await Probe.Db.ScalarAsync<int>("select 1", [], CancellationToken.None), Is.EqualTo(1));
    }

    [Test]
    public async Task InTransaction_Deadlock_RunsAgainAndBothSucceed()
    {
        await Probe.Db.ExecuteAsync(AddSql, ["left", 0L], CancellationToken.None);
        await Probe.Db.ExecuteAsync(AddSql, ["right", 0L], CancellationToken.None);
        using var met = new Barrier(2);
        var attempts = 0;
        await Task.WhenAll(CrossAsync("left", "right"), CrossAsync("right", "left"));
        Assert.That(attempts, Is.EqualTo(3), "PostgreSQL undoes one of the two");
        Assert.That((await ValueOf("left"), await ValueOf("right")), Is.EqualTo((2, 2)));

        Task CrossAsync(string first, string second) =>
            Task.Run(async () =>
            {
                var isFirstAttempt = true;
                await Probe.Db.InTransactionAsync(
                    async tx =>
                    {
                        Interlocked.Increment(ref attempts);
                        await tx.ExecuteAsync(IncrementSql, [first], CancellationToken.None);
                        if (isFirstAttempt)
                            met.SignalAndWait();
                        isFirstAttempt = false;
                        await tx.ExecuteAsync(IncrementSql, [second], CancellationToken.None);
                    },
                    CancellationToken.None
                );
            });
    }

    private const string IncrementSql = "update counter set value = value + 1 where name = $1";

    [Test]
    public async Task One_NoRow_IsNullForClassesAndStructs()
    {
        const string sql = "select name, value from counter where name = $1";
        var text = await Probe.Db.OneAsync(sql, ["nobody"], row => row.GetString(0), CancellationToken.None);
        var pair = await Probe.Db.OneAsync(
            sql,
            ["nobody"],
            row => (row.GetString(0), row.GetInt64(1)),
            CancellationToken.None
        );
        Assert.That((text, pair), Is.EqualTo(((string?)null, ((string, long)?)null)));
    }

    [Test]
    public async Task Scalar_NullArgument_IsSqlNull() =>
        Assert.That(
            await Probe.Db.ScalarAsync<bool>("select $1::text is null", [null], CancellationToken.None),
            Is.True
        );
}
