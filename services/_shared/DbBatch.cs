using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Souk.Shared;

/// <summary>
/// Statements of one transaction that travel together, in one round trip. Each still sees what the ones
/// before it did, and takes its own snapshot: a statement that locks rows lets the next one read them as
/// nobody can change them.
/// </summary>
public sealed class DbBatch(DbTransaction tx)
{
    private readonly List<NpgsqlBatchCommand> _commands = [];
    private readonly List<Func<NpgsqlDataReader, Task>> _results = [];

    /// <summary>Adds a statement that answers with nothing.</summary>
    [SuppressMessage(
        "Security",
        "CA2100",
        Justification = "Callers pass constants; values travel as parameters."
    )]
    public void Add(string sql, object?[] args)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in args)
            command.Parameters.Add(DbQueries.Parameter(value));
        _commands.Add(command);
    }

    /// <summary>Adds a statement that answers with rows.</summary>
    /// <returns>The rows, empty until the batch has run.</returns>
    public List<T> Add<T>(string sql, object?[] args, ReadRow<T> read)
    {
        Add(sql, args);
        var rows = new List<T>();
        _results.Add(async reader =>
        {
            while (await reader.ReadAsync(tx.CancellationToken))
                rows.Add(read(reader));
        });
        return rows;
    }

    /// <summary>Runs the statements in their order.</summary>
    public async Task RunAsync()
    {
        await using var batch = new NpgsqlBatch(tx.Connection);
        foreach (var command in _commands)
            batch.BatchCommands.Add(command);
        await using var reader = await batch.ExecuteReaderAsync(tx.CancellationToken);
        foreach (var result in _results)
        {
            await result(reader);
            await reader.NextResultAsync(tx.CancellationToken);
        }
    }
}
