using Npgsql;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>An empty database for a component or a workflow engine, dropped when disposed.</summary>
internal sealed class SidecarDatabase : IAsyncDisposable
{
    private readonly string _name = $"test_sidecar_{Guid.CreateVersion7():N}";

    /// <summary>As a component's connectionString.</summary>
    internal string Address => new UriBuilder(Backends.Postgres) { Path = "/" + _name }.Uri.ToString();

    /// <summary>As Npgsql takes it, and a component, too.</summary>
    internal string ConnectionString => ConnectionStringOf(_name);

    internal static async Task<SidecarDatabase> CreateAsync()
    {
        var database = new SidecarDatabase();
        await ServerAsync($"create database {database._name}");
        return database;
    }

    /// <summary>Cuts every connection to the database, as a crash of the server does.</summary>
    internal Task DisconnectAllAsync() =>
        ServerAsync($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{_name}'");

    /// <summary>Refuses or allows new connections.</summary>
    internal Task AllowConnectionsAsync(bool allowed) =>
        ServerAsync($"alter database {_name} with allow_connections {(allowed ? "true" : "false")}");

    internal Task<object?> ScalarAsync(string sql) => ScalarAsync(_name, sql);

    /// <summary>Rows of a table, or of one and a condition.</summary>
    internal async Task<long> CountAsync(string from) =>
        (long)(await ScalarAsync($"select count(*) from {from}"))!;

    public async ValueTask DisposeAsync() =>
        await ServerAsync($"drop database if exists {_name} with (force)");

    private static Task ServerAsync(string sql) => ScalarAsync("postgres", sql);

    private static async Task<object?> ScalarAsync(string database, string sql)
    {
        // A test's own questions wait for a machine that stalls.
        await using var source = NpgsqlDataSource.Create(
            ConnectionStringOf(database) + ";Timeout=60;Command Timeout=60"
        );
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private static string ConnectionStringOf(string database) =>
        new ServiceSettings { AppId = "sidecar", Postgres = Backends.Postgres }.ConnectionString(database)
        + ";Pooling=false";
}
