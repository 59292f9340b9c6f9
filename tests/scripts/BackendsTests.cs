using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using Souk.Shared;

namespace Souk.Tests.Scripts;

/// <summary>What the private backends have acknowledged survives a SIGKILL.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class BackendsTests
{
    private const int Writes = 300;

    [Test]
    public async Task Redis_KilledAfterWrites_HasThemAll()
    {
        await using var set = await BackendSet.StartAsync("redis-kill");
        for (var i = 0; i < Writes; i++)
            Assert.That(await RedisAsync(set, $"INCR survivor"), Is.EqualTo($":{i + 1}"));
        await set.KillAsync("redis");
        await set.StartAsync();
        Assert.That(await RedisAsync(set, "INCR survivor"), Is.EqualTo($":{Writes + 1}"));
    }

    [Test]
    public async Task Postgres_KilledAfterCommits_HasThemAll()
    {
        await using var set = await BackendSet.StartAsync("postgres-kill");
        await using var source = NpgsqlDataSource.Create(
            new ServiceSettings { AppId = "test", Postgres = set.Postgres }.ConnectionString("postgres")
                + ";Pooling=false"
        );
        await ExecuteAsync(source, "create table survivor (number integer not null)");
        for (var i = 0; i < Writes; i++)
            await ExecuteAsync(source, "insert into survivor (number) values (1)");
        await set.KillAsync("postgres");
        await set.StartAsync();
        await using var count = source.CreateCommand("select count(*) from survivor");
        Assert.That(
            System.Convert.ToInt32(await count.ExecuteScalarAsync(), CultureInfo.InvariantCulture),
            Is.EqualTo(Writes)
        );
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>One command on a connection of its own; its one-line answer.</summary>
    private static async Task<string?> RedisAsync(BackendSet set, string command)
    {
        using var client = new TcpClient();
        var address = set.Redis.Split(':');
        await client.ConnectAsync(address[0], int.Parse(address[1], CultureInfo.InvariantCulture));
        await using var stream = client.GetStream();
        await using var writer = new StreamWriter(stream) { NewLine = "\r\n", AutoFlush = true };
        using var reader = new StreamReader(stream);
        await writer.WriteLineAsync(command);
        return await reader.ReadLineAsync();
    }
}
