using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Souk.Shared;

/// <summary>
/// Reads one row; a lambda or a static method that fills the message straight from the columns.
/// </summary>
public delegate T ReadRow<out T>(NpgsqlDataReader row);

/// <summary>
/// What can be asked of a database, inside a transaction or outside. SQL is a constant with $1, $2 …; a null
/// argument is SQL null; an argument may be an NpgsqlParameter where its type cannot be inferred.
/// </summary>
public abstract class DbQueries
{
    /// <summary>The first row, or null.</summary>
    public Task<T?> OneAsync<T>(string sql, object?[] args, ReadRow<T> read, CancellationToken token)
        where T : class => FirstAsync(sql, args, read, token);

    /// <summary>Every row. The SQL bounds their number.</summary>
    public Task<List<T>> ListAsync<T>(string sql, object?[] args, ReadRow<T> read, CancellationToken token) =>
        RunAsync(
            sql,
            async () =>
            {
                await using var command = Prepare(sql, args);
                await using var reader = await command.ExecuteReaderAsync(token);
                var rows = new List<T>();
                while (await reader.ReadAsync(token))
                    rows.Add(read(reader));
                return rows;
            }
        );

    /// <summary>The first column of the first row; default when there is no row or it is null.</summary>
    public Task<T?> ScalarAsync<T>(string sql, object?[] args, CancellationToken token) =>
        FirstAsync(sql, args, row => row.IsDBNull(0) ? default : row.GetFieldValue<T>(0), token);

    /// <summary>Runs the statement and tells how many rows it changed.</summary>
    public async Task<int> ExecuteAsync(string sql, object?[] args, CancellationToken token)
    {
        await using var command = Prepare(sql, args);
        return await command.ExecuteNonQueryAsync(token);
    }

    /// <summary>
    /// The first row or default; the extension beside it gives structs their nullable form.
    /// </summary>
    internal Task<T?> FirstAsync<T>(string sql, object?[] args, ReadRow<T> read, CancellationToken token) =>
        RunAsync(
            sql,
            async () =>
            {
                await using var command = Prepare(sql, args);
                await using var reader = await command.ExecuteReaderAsync(token);
                return await reader.ReadAsync(token) ? read(reader) : default;
            }
        );

    internal static NpgsqlParameter Parameter(object? value) =>
        value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value };

    private protected abstract NpgsqlCommand CreateCommand();

    /// <summary>Runs a statement that has rows; a second time where that is safe and helps.</summary>
    private protected virtual Task<T> RunAsync<T>(string sql, Func<Task<T>> run) => run();

    [SuppressMessage(
        "Security",
        "CA2100",
        Justification = "Callers pass constants; values travel as parameters."
    )]
    private NpgsqlCommand Prepare(string sql, object?[] args)
    {
        var command = CreateCommand();
        command.CommandText = sql;
        foreach (var value in args)
            command.Parameters.Add(Parameter(value));
        return command;
    }
}

/// <summary>Reading rows into structs and columns into what protos want.</summary>
public static class DbRows
{
    /// <summary>The first row as a struct or tuple, or null.</summary>
    public static Task<T?> OneAsync<T>(
        this DbQueries queries,
        string sql,
        object?[] args,
        ReadRow<T> read,
        CancellationToken token
    )
        where T : struct => queries.FirstAsync<T?>(sql, args, row => read(row), token);

    /// <summary>A nullable text column; empty when null, as proto3 strings are.</summary>
    public static string Text(this NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? "" : row.GetString(column);

    /// <summary>A timestamptz column as an instant.</summary>
    public static DateTimeOffset Instant(this NpgsqlDataReader row, int column) =>
        row.GetFieldValue<DateTimeOffset>(column);

    /// <summary>A timestamptz column as a proto Timestamp; null when null.</summary>
    public static Google.Protobuf.WellKnownTypes.Timestamp? Timestamp(
        this NpgsqlDataReader row,
        int column
    ) =>
        row.IsDBNull(column)
            ? null
            : Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(row.Instant(column));

    /// <summary>A uuid column in its wire form.</summary>
    public static string Id(this NpgsqlDataReader row, string prefix, int column) =>
        Ids.Text(prefix, row.GetGuid(column));

    /// <summary>A *_minor column and its char(3) currency column.</summary>
    public static Money Money(this NpgsqlDataReader row, int minor, int currency) =>
        new(row.GetInt64(minor), Currency.Of(row.GetString(currency)));

    /// <summary>A nullable column of a value type.</summary>
    public static T? Nullable<T>(this NpgsqlDataReader row, int column)
        where T : struct => row.IsDBNull(column) ? null : row.GetFieldValue<T>(column);
}
