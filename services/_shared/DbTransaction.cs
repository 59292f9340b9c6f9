using Npgsql;

namespace Souk.Shared;

/// <summary>
/// An open transaction. Statements whose result nobody reads can be deferred: they travel with the commit, in
/// one round trip.
/// </summary>
public sealed class DbTransaction : DbQueries
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _inner;
    private List<NpgsqlBatchCommand>? _deferred;
    private List<Action>? _afterCommit;

    internal DbTransaction(
        NpgsqlConnection connection,
        NpgsqlTransaction inner,
        TimeProvider clock,
        CancellationToken token
    )
    {
        _connection = connection;
        _inner = inner;
        Clock = clock;
        CancellationToken = token;
    }

    /// <summary>The token that ends the transaction's work.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The service's clock.</summary>
    public TimeProvider Clock { get; }

    /// <summary>The connection, for what the helper does not cover.</summary>
    public NpgsqlConnection Connection => _connection;

    /// <summary>Runs the statement just before the commit, in the order of the calls.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Security",
        "CA2100",
        Justification = "Callers pass constants; values travel as parameters."
    )]
    public void Defer(string sql, object?[] args)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in args)
            command.Parameters.Add(Parameter(value));
        (_deferred ??= []).Add(command);
    }

    /// <summary>
    /// Runs once the transaction has committed; never when it is undone. Must not throw or wait.
    /// </summary>
    public void AfterCommit(Action action) => (_afterCommit ??= []).Add(action);

    /// <summary>
    /// Runs the work so that a failure undoes only the work. Used where the failure itself is to be recorded
    /// in the surrounding transaction.
    /// </summary>
    internal async Task<T> InSavepointAsync<T>(Func<Task<T>> work)
    {
        const string name = "work";
        var deferredBefore = _deferred?.Count ?? 0;
        var afterCommitBefore = _afterCommit?.Count ?? 0;
        await _inner.SaveAsync(name, CancellationToken);
        try
        {
            return await work();
        }
        catch (Exception)
        {
            await _inner.RollbackAsync(name, CancellationToken);
            _deferred?.RemoveRange(deferredBefore, _deferred.Count - deferredBefore);
            _afterCommit?.RemoveRange(afterCommitBefore, _afterCommit.Count - afterCommitBefore);
            throw;
        }
    }

    internal async Task CommitAsync()
    {
        if (_deferred is null)
        {
            await _inner.CommitAsync(CancellationToken);
        }
        else
        {
            await using var batch = new NpgsqlBatch(_connection, _inner);
            foreach (var command in _deferred)
                batch.BatchCommands.Add(command);
            batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
            await batch.ExecuteNonQueryAsync(CancellationToken);
        }
        foreach (var action in _afterCommit ?? [])
            action();
    }

    private protected override NpgsqlCommand CreateCommand() =>
        new() { Connection = _connection, Transaction = _inner };
}
