using System.Data;
using Npgsql;
using NpgsqlTypes;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.State;

/// <summary>
/// <c>state.postgresql</c> with the v2 table layout. Everything is one round trip, transactions included: the
/// commands of a batch without an explicit transaction stand or fall together, and a check that fails divides
/// by zero.
/// </summary>
internal sealed class PostgresStateStore : IStateStore
{
    private readonly NpgsqlDataSource _source;
    private readonly PostgresStateSql _sql;

    private PostgresStateStore(
        NpgsqlDataSource source,
        string address,
        PostgresStateSql sql,
        TimeSpan timeout
    )
    {
        Address = address;
        _source = source;
        _sql = sql;
        Timeout = timeout;
    }

    public IReadOnlyList<string> Capabilities { get; } = ["ETAG", "TRANSACTIONAL", "TTL"];

    public TimeSpan Timeout { get; }

    /// <summary>For what else keeps its rows in this database: the workflow history.</summary>
    public string Address { get; }

    public static async Task<PostgresStateStore> OpenAsync(ComponentSpec spec, CancellationToken cancellation)
    {
        if (spec.Version != "v2")
            throw spec.Error(
                "version",
                $"must be v2, not {spec.Version}: the local runtime keeps the v2 layout only"
            );
        var timeout = spec.Duration("timeout", spec.Duration("timeoutInSeconds", TimeSpan.FromSeconds(20)));
        var address = PostgresAddress.Of(spec, timeout);
        var source = NpgsqlDataSource.Create(address);
        var sql = new PostgresStateSql(spec.Text("tablePrefix") ?? "", spec.Text("metadataTableName"));
        try
        {
            await sql.MigrateAsync(source, cancellation);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
        return new PostgresStateStore(source, address, sql, timeout);
    }

    // A read may run twice: one that finds its connection dead, as after a restart of the server, gets
    // another.
    public Task<StateValue?> GetAsync(string key, CancellationToken cancellation) =>
        TwiceAsync(() => GetOnceAsync(key, cancellation));

    private async Task<StateValue?> GetOnceAsync(string key, CancellationToken cancellation)
    {
        await using var command = _source.CreateCommand(_sql.Get);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SingleRow, cancellation);
        return await reader.ReadAsync(cancellation) ? Read(reader, 0) : null;
    }

    public Task<IReadOnlyDictionary<string, StateValue>> GetManyAsync(
        IReadOnlyCollection<string> keys,
        CancellationToken cancellation
    ) => TwiceAsync(() => GetManyOnceAsync(keys, cancellation));

    private async Task<IReadOnlyDictionary<string, StateValue>> GetManyOnceAsync(
        IReadOnlyCollection<string> keys,
        CancellationToken cancellation
    )
    {
        await using var command = _source.CreateCommand(_sql.GetMany);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. keys] });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var found = new Dictionary<string, StateValue>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation))
            found[reader.GetString(0)] = Read(reader, 1);
        return found;
    }

    public async Task ApplyAsync(StateChange change, CancellationToken cancellation)
    {
        var (text, kind) = _sql.Of(change, mustChange: false);
        await using var command = _source.CreateCommand(text);
        Bind(command.Parameters, change, kind);
        var rows = await OnceAsync(() => command.ExecuteNonQueryAsync(cancellation));
        if (rows == 0 && kind != ChangeKind.Delete)
            throw Refusal(change);
    }

    public async Task TransactAsync(IReadOnlyList<StateChange> changes, CancellationToken cancellation)
    {
        if (changes is [var only])
        {
            await ApplyAsync(only, cancellation);
            return;
        }
        await using var batch = _source.CreateBatch();
        foreach (var change in changes)
        {
            var (text, kind) = _sql.Of(change, mustChange: true);
            var command = new NpgsqlBatchCommand(text);
            Bind(command.Parameters, change, kind);
            batch.BatchCommands.Add(command);
        }
        try
        {
            await OnceAsync(() => batch.ExecuteNonQueryAsync(cancellation));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DivisionByZero)
        {
            var failed = e.BatchCommand is NpgsqlBatchCommand command
                ? batch.BatchCommands.IndexOf(command)
                : -1;
            throw Refusal(changes[Math.Max(0, failed)]);
        }
    }

    /// <summary>Deletes rows that expired; reads do not see them before either.</summary>
    public async Task<int> DeleteExpiredAsync(CancellationToken cancellation)
    {
        await using var command = _source.CreateCommand(_sql.DeleteExpired);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<T> TwiceAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await OnceAsync(read);
        }
        catch (NpgsqlException e) when (IsConnectionLost(e))
        {
            return await read();
        }
    }

    // When one connection is found dead the others in the pool most likely are too; without this each would
    // fail a call.
    private async Task<T> OnceAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (NpgsqlException e) when (IsConnectionLost(e))
        {
            _source.Clear();
            throw;
        }
    }

    private static bool IsConnectionLost(NpgsqlException e) =>
        e.InnerException is IOException
        || e
            is PostgresException
            {
                SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            };

    private static StateValue Read(NpgsqlDataReader reader, int at) =>
        new(
            reader.GetFieldValue<byte[]>(at),
            reader.GetGuid(at + 1).ToString(),
            reader.IsDBNull(at + 2) ? null : reader.GetFieldValue<DateTimeOffset>(at + 2)
        );

    private static void Bind(NpgsqlParameterCollection parameters, StateChange change, ChangeKind kind)
    {
        parameters.Add(new NpgsqlParameter<string> { TypedValue = change.Key });
        if (change.Value is { } value)
        {
            parameters.Add(
                new NpgsqlParameter<ReadOnlyMemory<byte>>
                {
                    TypedValue = value,
                    NpgsqlDbType = NpgsqlDbType.Bytea,
                }
            );
            double? seconds = change.TtlSeconds is > 0 and var ttl ? ttl : null;
            parameters.Add(
                new NpgsqlParameter<double?> { TypedValue = seconds, NpgsqlDbType = NpgsqlDbType.Double }
            );
        }
        if (kind is ChangeKind.Replace or ChangeKind.DeleteChecked)
        {
            // An etag that is no uuid cannot be one of ours, so it cannot match: the zero uuid is never
            // stored.
            var etag = Guid.TryParse(change.Etag, out var parsed) ? parsed : Guid.Empty;
            parameters.Add(new NpgsqlParameter<Guid> { TypedValue = etag });
        }
    }

    private static Exception Refusal(StateChange change) =>
        change.Etag is null
            ? new StateStoreException($"no row was written for key {change.Key}: it exists already")
            : new EtagMismatchException(change.Key);
}
