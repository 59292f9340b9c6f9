using Npgsql;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>A database of its own for a fixture or a service, dropped when disposed.</summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private TestDatabase(ServiceSettings settings) => Settings = settings;

    /// <summary>Settings that point to the database.</summary>
    internal ServiceSettings Settings { get; }

    /// <summary>Names a fresh database; the migrator creates it.</summary>
    internal static TestDatabase Named(string appId, Func<ServiceSettings, ServiceSettings>? change = null)
    {
        var settings = new ServiceSettings
        {
            AppId = appId,
            Postgres = Backends.Postgres,
            Database = $"test_{appId}_{Guid.CreateVersion7():N}",
            MeshSecret = "a secret for tests",
            RunsJobs = false,
        };
        return new TestDatabase(change?.Invoke(settings) ?? settings);
    }

    /// <summary>A database that somebody else made.</summary>
    internal static TestDatabase Of(ServiceSettings settings) => new(settings);

    public async ValueTask DisposeAsync()
    {
        await using var source = NpgsqlDataSource.Create(
            Settings.ConnectionString("postgres") + ";Pooling=false;Command Timeout=60"
        );
        await using var drop = source.CreateCommand(
            $"drop database if exists \"{Settings.Database}\" with (force)"
        );
        await drop.ExecuteNonQueryAsync();
    }
}
