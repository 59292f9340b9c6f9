using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class MigratorTests : IAsyncDisposable
{
    private static readonly Migration First = new("t/0001_a.sql", "create table a (id integer primary key)");
    private static readonly Migration Second = new("t/0002_b.sql", "insert into a values (1)");
    private readonly TestDatabase _database = TestDatabase.Named("migrator");

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Test]
    public async Task Run_NewDatabase_IsCreatedAndMigratedOnce()
    {
        await RunAsync(First);
        await RunAsync(First, Second);
        await RunAsync(First, Second);
        Assert.That(await ScalarAsync("select count(*) from a"), Is.EqualTo(1));
        Assert.That(await ScalarAsync("select count(*) from migration"), Is.EqualTo(2));
    }

    [Test]
    public async Task Run_EightAtOnce_TakeTurns()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RunAsync(First, Second)));
        Assert.That(await ScalarAsync("select count(*) from a"), Is.EqualTo(1));
    }

    [Test]
    public async Task Run_EditedAfterItRan_StopsTheStart()
    {
        await RunAsync(First);
        var edited = new Migration(First.Name, First.Sql + " -- edited");
        Assert.That(async () => await RunAsync(edited), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Run_FailsHalfway_UndoesTheFileAndKeepsThoseBefore()
    {
        var broken = new Migration("t/0002_broken.sql", "insert into a values (7); select no_such_column");
        Assert.That(async () => await RunAsync(First, broken), Throws.InstanceOf<PostgresException>());
        Assert.That(await ScalarAsync("select count(*) from a"), Is.Zero);
        await RunAsync(First, Second);
        Assert.That(await ScalarAsync("select count(*) from a"), Is.EqualTo(1));
    }

    [Test]
    public async Task Run_MarkedNoTransaction_MayBuildAnIndexConcurrently()
    {
        await RunAsync(
            First,
            new Migration("t/0002_idx.sql", "-- no transaction\ncreate index concurrently a_idx on a (id)")
        );
        Assert.That(
            await ScalarAsync("select count(*) from pg_indexes where indexname = 'a_idx'"),
            Is.EqualTo(1)
        );
    }

    private Task RunAsync(params Migration[] migrations) =>
        new Migrator(_database.Settings, TimeProvider.System, NullLogger<Migrator>.Instance).RunAsync(
            migrations,
            CancellationToken.None
        );

    private async Task<long> ScalarAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(
            _database.Settings.ConnectionString() + ";Pooling=false"
        );
        await using var command = source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
