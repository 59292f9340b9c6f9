using Npgsql;

namespace Souk.Tests.Journeys;

/// <summary>
/// A lock on a row that a step of a checkout needs: the step comes to a halt there until the gate opens. So
/// a kill can hit a step for certain, where a delay would leave it to luck.
/// </summary>
internal sealed class Gate : IAsyncDisposable
{
    private readonly Books _books;
    private readonly string _appId;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private Gate(Books books, string appId, NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _books = books;
        _appId = appId;
        _connection = connection;
        _transaction = transaction;
    }

    /// <summary>Closes a gate in an app's database with a statement that locks what the step needs.</summary>
    internal static async Task<Gate> CloseAsync(Books books, string appId, string sql, object argument)
    {
        var connection = await books.Of(appId).OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = argument });
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(command);
        await batch.ExecuteNonQueryAsync();
        return new Gate(books, appId, connection, transaction);
    }

    /// <summary>Whether somebody stands in front of it.</summary>
    internal async Task<bool> IsBesiegedAsync() =>
        await _books.CountAsync(
            _appId,
            "select count(*) from pg_stat_activity where $1 = any(pg_blocking_pids(pid))",
            _connection.ProcessID
        ) > 0;

    /// <summary>Opens it; one whose database was killed is open already.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _transaction.RollbackAsync();
        }
        catch (Exception broken) when (broken is NpgsqlException or InvalidOperationException)
        {
            // The lock went with the connection.
        }
        await _connection.DisposeAsync();
    }
}
