using Npgsql;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>An empty database for a component, dropped when disposed.</summary>
internal sealed class SidecarDatabase : IAsyncDisposable
{
    private readonly string _name = $"test_sidecar_{Guid.CreateVersion7():N}";

    /// <summary>As a component's connectionString.</summary>
    internal string Address => new UriBuilder(Backends.Postgres) { Path = "/" + _name }.Uri.ToString();

    internal static async Task<SidecarDatabase> CreateAsync()
    {
        var database = new SidecarDatabase();
        await ServerAsync($"create database {database._name}");
        return database;
    }

    internal async Task<object?> ScalarAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString(_name));
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync() =>
        await ServerAsync($"drop database if exists {_name} with (force)");

    private static async Task ServerAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres"));
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static string ConnectionString(string database)
    {
        var user = Backends.Postgres.UserInfo.Split(':');
        return new NpgsqlConnectionStringBuilder
        {
            Host = Backends.Postgres.Host,
            Port = Backends.Postgres.Port,
            Username = user[0],
            Password = user.Length > 1 ? user[1] : null,
            Database = database,
            Pooling = false,
        }.ConnectionString;
    }
}
