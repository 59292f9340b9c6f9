using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Souk.Shared;

/// <summary>One migration file: its set and file name, and its text.</summary>
public sealed record Migration(string Name, string Sql)
{
    /// <summary>The text's SHA-256.</summary>
    public byte[] Hash { get; } = SHA256.HashData(Encoding.UTF8.GetBytes(Sql));

    /// <summary>
    /// Whether the file asks to run outside of a transaction, as "create index concurrently" must.
    /// </summary>
    public bool WithoutTransaction { get; } = Sql.StartsWith("-- no transaction", StringComparison.Ordinal);

    /// <summary>The embedded migrations below a folder, in the order of their numbers.</summary>
    /// <param name="set">What the names are prefixed with, so that sets do not collide.</param>
    public static IReadOnlyList<Migration> From(Assembly assembly, string set, string folder = "db") =>
        [
            .. assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith(folder + "/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => new Migration(set + name[folder.Length..], Read(assembly, name))),
        ];

    private static string Read(Assembly assembly, string name)
    {
        using var stream =
            assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is missing.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>
/// Brings the service's database up to date at start: creates it when missing, then runs each new file once,
/// in order, under an advisory lock so that replicas which start together take turns. A file that was edited
/// after it ran stops the start: it would leave databases that differ.
/// </summary>
public sealed partial class Migrator(ServiceSettings settings, TimeProvider clock, ILogger<Migrator> logger)
{
    private const long LockKey = 0x50_75_6B_01;

    /// <summary>Migrates.</summary>
    public async Task RunAsync(IReadOnlyList<Migration> migrations, CancellationToken token)
    {
        await CreateDatabaseAsync(token);
        await using var source = NpgsqlDataSource.Create(settings.ConnectionString() + ";Pooling=false");
        await using var connection = await source.OpenConnectionAsync(token);
        await ExecuteAsync(connection, LockSql, token);
        try
        {
            await ExecuteAsync(connection, CreateTableSql, token);
            var applied = await AppliedAsync(connection, token);
            foreach (var migration in migrations)
                await ApplyAsync(connection, migration, applied, token);
        }
        finally
        {
            await ExecuteAsync(connection, UnlockSql, CancellationToken.None);
        }
    }

    private static readonly string LockSql = $"select pg_advisory_lock({LockKey})";
    private static readonly string UnlockSql = $"select pg_advisory_unlock({LockKey})";
    private const string CreateTableSql = """
        create table if not exists migration (
          name text primary key,
          hash bytea not null,
          applied_at timestamptz not null
        )
        """;
    private const string AppliedSql = "select name, hash from migration";
    private const string RecordSql = "insert into migration (name, hash, applied_at) values ($1, $2, $3)";

    private async Task CreateDatabaseAsync(CancellationToken token)
    {
        await using var source = NpgsqlDataSource.Create(
            settings.ConnectionString("postgres") + ";Pooling=false"
        );
        var name = new NpgsqlConnectionStringBuilder(settings.ConnectionString()).Database ?? "";
        await using var exists = source.CreateCommand("select 1 from pg_database where datname = $1");
        exists.Parameters.Add(new NpgsqlParameter { Value = name });
        if (await exists.ExecuteScalarAsync(token) is not null)
            return;
        try
        {
            await using var connection = await source.OpenConnectionAsync(token);
            await ExecuteAsync(connection, $"create database \"{name.Replace("\"", "\"\"")}\"", token);
            LogCreated(logger, name);
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            LogCreatedByOther(logger, name);
        }
    }

    private static async Task<Dictionary<string, byte[]>> AppliedAsync(
        NpgsqlConnection connection,
        CancellationToken token
    )
    {
        var applied = new Dictionary<string, byte[]>();
        await using var command = new NpgsqlCommand(AppliedSql, connection);
        await using var reader = await command.ExecuteReaderAsync(token);
        while (await reader.ReadAsync(token))
            applied[reader.GetString(0)] = reader.GetFieldValue<byte[]>(1);
        return applied;
    }

    private async Task ApplyAsync(
        NpgsqlConnection connection,
        Migration migration,
        Dictionary<string, byte[]> applied,
        CancellationToken token
    )
    {
        if (applied.TryGetValue(migration.Name, out var hash))
        {
            if (!hash.AsSpan().SequenceEqual(migration.Hash))
                throw new InvalidOperationException(
                    $"Migration {migration.Name} was edited after it ran; add a new file."
                );
            return;
        }
        if (migration.WithoutTransaction)
        {
            await ExecuteAsync(connection, migration.Sql, token);
            await RecordAsync(connection, migration, token);
        }
        else
        {
            await using var tx = await connection.BeginTransactionAsync(token);
            await ExecuteAsync(connection, migration.Sql, token);
            await RecordAsync(connection, migration, token);
            await tx.CommitAsync(token);
        }
        LogApplied(logger, migration.Name);
    }

    private async Task RecordAsync(NpgsqlConnection connection, Migration migration, CancellationToken token)
    {
        await using var command = new NpgsqlCommand(RecordSql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = migration.Name });
        command.Parameters.Add(new NpgsqlParameter { Value = migration.Hash });
        command.Parameters.Add(new NpgsqlParameter { Value = clock.GetUtcNow() });
        await command.ExecuteNonQueryAsync(token);
    }

    [SuppressMessage(
        "Security",
        "CA2100",
        Justification = "Texts are embedded files and constants of this assembly."
    )]
    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken token)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(token);
    }

    [LoggerMessage(LogLevel.Information, "Created database {Database}")]
    private static partial void LogCreated(ILogger logger, string database);

    [LoggerMessage(LogLevel.Debug, "Database {Database} was created by another process")]
    private static partial void LogCreatedByOther(ILogger logger, string database);

    [LoggerMessage(LogLevel.Information, "Applied migration {Migration}")]
    private static partial void LogApplied(ILogger logger, string migration);
}
