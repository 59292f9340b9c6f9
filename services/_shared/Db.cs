using Microsoft.Extensions.Logging;
using Npgsql;

namespace Souk.Shared;

/// <summary>
/// The service's own database. A single statement runs by itself, and again when it only reads and its
/// connection was dead; several belong in a transaction.
/// </summary>
public sealed partial class Db(NpgsqlDataSource source, TimeProvider clock, ILogger<Db> logger)
    : DbQueries,
        IAsyncDisposable
{
    private const int AttemptsMax = 4;
    private const int BackoffMs = 10;

    /// <summary>The pool, for what the helper does not cover, such as COPY or LISTEN.</summary>
    public NpgsqlDataSource Source => source;

    /// <summary>
    /// Runs the work in one read-committed transaction and commits. The work runs again, from its start, when
    /// PostgreSQL undid it to resolve a deadlock or a serialization conflict, or when the connection was lost
    /// before the commit was sent; so it has no effect outside of the transaction.
    /// </summary>
    public async Task<T> InTransactionAsync<T>(Func<DbTransaction, Task<T>> work, CancellationToken token)
    {
        for (var attempt = 1; ; attempt++)
        {
            var isCommitting = false;
            try
            {
                return await RunOnceAsync(work, () => isCommitting = true, token);
            }
            catch (NpgsqlException e)
                when (attempt < AttemptsMax && (IsConflict(e) || (!isCommitting && e.IsConnectionLost())))
            {
                LogAgain(logger, e.SqlState ?? e.Message, attempt);
                await Task.Delay(
                    TimeSpan.FromMilliseconds(BackoffMs * attempt * (1 + Random.Shared.NextDouble())),
                    TimeProvider.System,
                    token
                );
            }
        }
    }

    /// <summary>As above, for work without a result.</summary>
    public Task InTransactionAsync(Func<DbTransaction, Task> work, CancellationToken token) =>
        InTransactionAsync(
            async tx =>
            {
                await work(tx);
                return true;
            },
            token
        );

    /// <inheritdoc />
    public ValueTask DisposeAsync() => source.DisposeAsync();

    private protected override NpgsqlCommand CreateCommand() => source.CreateCommand();

    // The pool drops all its connections when one is found dead, so the second attempt gets a new one.
    private protected override async Task<T> RunAsync<T>(string sql, Func<Task<T>> run)
    {
        try
        {
            return await run();
        }
        catch (NpgsqlException e)
            when (e.IsConnectionLost() && sql.StartsWith("select ", StringComparison.Ordinal))
        {
            return await run();
        }
    }

    private async Task<T> RunOnceAsync<T>(
        Func<DbTransaction, Task<T>> work,
        Action beforeCommit,
        CancellationToken token
    )
    {
        await using var connection = await source.OpenConnectionAsync(token);
        await using var inner = await connection.BeginTransactionAsync(token);
        var tx = new DbTransaction(connection, inner, clock, token);
        var result = await work(tx);
        beforeCommit();
        await tx.CommitAsync();
        return result;
    }

    private static bool IsConflict(NpgsqlException error) =>
        error.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    [LoggerMessage(LogLevel.Debug, "Transaction undone ({Problem}), attempt {Attempt}")]
    private static partial void LogAgain(ILogger logger, string problem, int attempt);
}
