using Npgsql;
using Souk.Sidecar.State;

namespace Souk.Sidecar.Workflows;

/// <summary>Which database keeps the workflows' history, and that it is there.</summary>
internal static class WorkflowDatabase
{
    private const string DefaultName = "souk_workflowstore";

    /// <summary>
    /// The actor state store's own database if it is PostgreSQL. With a store of another type, which Dapr
    /// would use, SOUK_WORKFLOWSTORE names the database, or SOUK_POSTGRES the server of one with the usual
    /// name. Null when nothing does.
    /// </summary>
    public static string? AddressFor(StateComponent actorStore, Func<string, string?> environment)
    {
        if (actorStore.Store is PostgresStateStore postgres)
            return postgres.Address;
        if (environment("SOUK_WORKFLOWSTORE") is { Length: > 0 } address)
            return PostgresAddress.Parse(address).ConnectionString;
        if (environment("SOUK_POSTGRES") is not { Length: > 0 } server)
            return null;
        var named = PostgresAddress.Parse(server);
        named.Database = DefaultName;
        return named.ConnectionString;
    }

    /// <summary>Creates the database when the server does not have it yet.</summary>
    public static async Task CreateAsync(string address, CancellationToken cancellation)
    {
        var target = new NpgsqlConnectionStringBuilder(address);
        var name = target.Database ?? DefaultName;
        target.Database = "postgres";
        target.Pooling = false;
        await using var connection = new NpgsqlConnection(target.ConnectionString);
        await connection.OpenAsync(cancellation);
        var quoted = new NpgsqlCommandBuilder().QuoteIdentifier(name);
#pragma warning disable CA2100 // A database's name is no parameter; it is the operator's own, and quoted.
        await using var create = new NpgsqlCommand($"create database {quoted}", connection);
#pragma warning restore CA2100
        try
        {
            await create.ExecuteNonQueryAsync(cancellation);
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another sidecar was faster, which is as good.
        }
    }
}
