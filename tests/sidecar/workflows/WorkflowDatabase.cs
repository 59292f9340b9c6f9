using Npgsql;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>An empty database of its own for a fixture; dropped at the end.</summary>
internal sealed class WorkflowDatabase : IAsyncDisposable
{
    private readonly string _server;
    private readonly string _name = $"souk_test_workflow_{Guid.CreateVersion7():N}";

    private WorkflowDatabase(string server) => _server = server;

    public string ConnectionString =>
        new NpgsqlConnectionStringBuilder(_server) { Database = _name }.ConnectionString;

    public static async Task<WorkflowDatabase> CreateAsync()
    {
        var settings = new ServiceSettings { AppId = "sidecar", Postgres = Backends.Postgres };
        var database = new WorkflowDatabase(settings.ConnectionString("postgres") + ";Pooling=false");
        await database.AdminAsync($"create database {database._name}");
        return database;
    }

    /// <summary>Cuts every connection to the database, as a crash of the server does.</summary>
    public Task DisconnectAllAsync() =>
        AdminAsync($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{_name}'");

    /// <summary>Refuses or allows new connections.</summary>
    public Task AllowConnectionsAsync(bool allowed) =>
        AdminAsync($"alter database {_name} with allow_connections {(allowed ? "true" : "false")}");

    public async Task<long> CountAsync(string table)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand($"select count(*) from {table}");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync() =>
        await AdminAsync($"drop database if exists {_name} with (force)");

    private async Task AdminAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_server);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
