using Npgsql;

namespace Souk.Bench.Sidecar;

/// <summary>A database for one run of the bench; dropped at the end.</summary>
internal sealed class BenchDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _admin;
    private readonly string _name = $"souk_bench_{Guid.CreateVersion7():N}";
    private readonly string _server;

    private BenchDatabase(string server)
    {
        _server = server;
        var user = new Uri(server).UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = new Uri(server).Host,
            Port = new Uri(server).Port,
            Username = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
            Database = "postgres",
            Pooling = false,
        };
        _admin = NpgsqlDataSource.Create(builder);
    }

    /// <summary>The database's address, as Dapr's components take it.</summary>
    public string Url => $"{_server}/{_name}";

    /// <summary>Whether the server writes to the disk before it answers: on or off.</summary>
    public string Fsync { get; private set; } = "";

    public static async Task<BenchDatabase> CreateAsync(CancellationToken cancellation)
    {
        var server = BenchHost.Setting("SOUK_POSTGRES", "");
        if (server.Length == 0)
        {
            throw new InvalidOperationException("SOUK_POSTGRES is not set");
        }

        var database = new BenchDatabase(server.TrimEnd('/'));
        await using var create = database._admin.CreateCommand($"create database {database._name}");
        await create.ExecuteNonQueryAsync(cancellation);
        await using var ask = database._admin.CreateCommand("show fsync");
        database.Fsync = (string)(await ask.ExecuteScalarAsync(cancellation) ?? "");
        return database;
    }

    public async ValueTask DisposeAsync()
    {
        await using (var drop = _admin.CreateCommand($"drop database if exists {_name} with (force)"))
        {
            await drop.ExecuteNonQueryAsync();
        }

        await _admin.DisposeAsync();
    }
}
