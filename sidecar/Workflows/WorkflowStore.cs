using System.Runtime.CompilerServices;
using Dapr.DurableTask.Protobuf;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using NpgsqlTypes;

namespace Souk.Sidecar.Workflows;

/// <summary>Workflow history in PostgreSQL: claims, reads and lists. Writing is <see
/// cref="LogWriter"/>'s.</summary>
internal sealed class WorkflowStore : IAsyncDisposable
{
    private readonly string _address;
    private readonly NpgsqlDataSource _source;
    private readonly SemaphoreSlim _creating = new(1, 1);
    private bool _created;

    public WorkflowStore(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "souk-workflows",
            MaxPoolSize = 8,
            MaxAutoPrepare = 24,
            AutoPrepareMinUsages = 2,
        };
        _address = builder.ConnectionString;
        _source = NpgsqlDataSource.Create(_address);
    }

    /// <summary>Makes the caller the owner of the app's workflows and returns its epoch.</summary>
    public async Task<long> ClaimAsync(string appId, CancellationToken cancellation)
    {
        await CreateTablesAsync(cancellation);
        await using var connection = await _source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Waits for what an earlier owner's last transaction still writes, so that reading afterwards sees
        // it.
        await using var wait = new NpgsqlCommand("select pg_advisory_xact_lock($1)", connection, transaction);
        wait.Parameters.Add(new() { Value = WorkflowSchema.OwnershipLock });
        await wait.ExecuteNonQueryAsync(cancellation);
        await using var claim = new NpgsqlCommand(ClaimSql, connection, transaction);
        claim.Parameters.Add(new() { Value = appId });
        var epoch = (long)(
            await claim.ExecuteScalarAsync(cancellation) ?? throw new InvalidOperationException()
        );
        await transaction.CommitAsync(cancellation);
        return epoch;
    }

    private const string ClaimSql = """
        insert into workflow_owner (app_id, epoch) values ($1, 1)
            on conflict (app_id) do update set epoch = workflow_owner.epoch + 1
        returning epoch
        """;

    /// <summary>The records of every active instance of the app, those of one instance together and in
    /// order.</summary>
    public IAsyncEnumerable<LogRecord> ReadActiveAsync(string appId, CancellationToken cancellation) =>
        ReadAsync(ReadActiveSql, [appId], cancellation);

    private const string ReadActiveSql = """
        select l.app_id, l.instance_id, l.sequence, l.kind, l.consumed, l.custom_status, l.events
          from workflow_instance i join workflow_log l using (app_id, instance_id)
         where i.app_id = $1 and i.finish_time is null
         order by l.instance_id, l.sequence
        """;

    /// <summary>One instance as its records tell it, or null when there is none.</summary>
    public async Task<Run?> ReadAsync(InstanceKey key, CancellationToken cancellation)
    {
        Run? run = null;
        await foreach (var record in ReadAsync(ReadOneSql, [key.AppId, key.InstanceId], cancellation))
        {
            run ??= new Run(key);
            run.Apply(record);
        }
        return run;
    }

    private const string ReadOneSql = """
        select app_id, instance_id, sequence, kind, consumed, custom_status, events
          from workflow_log
         where app_id = $1 and instance_id = $2
         order by sequence
        """;

    public async Task<bool> ExistsAsync(InstanceKey key, CancellationToken cancellation)
    {
        await CreateTablesAsync(cancellation);
        await using var command = _source.CreateCommand(ExistsSql);
        command.Parameters.Add(new() { Value = key.AppId });
        command.Parameters.Add(new() { Value = key.InstanceId });
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    private const string ExistsSql = "select 1 from workflow_instance where app_id = $1 and instance_id = $2";

    /// <summary>Ids after the given one, in order, at most <paramref name="limit"/>.</summary>
    public async Task<List<string>> ListAsync(
        string appId,
        string after,
        int limit,
        CancellationToken cancellation
    )
    {
        await CreateTablesAsync(cancellation);
        await using var command = _source.CreateCommand(ListSql);
        command.Parameters.Add(new() { Value = appId });
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = limit });
        return await ReadIdsAsync(command, cancellation);
    }

    private const string ListSql = """
        select instance_id from workflow_instance
         where app_id = $1 and instance_id > $2
         order by instance_id limit $3
        """;

    /// <summary>Ids of ended instances that the filter takes, oldest first, at most <paramref
    /// name="limit"/>.</summary>
    public async Task<List<string>> FindEndedAsync(
        string appId,
        PurgeInstanceFilter filter,
        int limit,
        CancellationToken cancellation
    )
    {
        await using var command = _source.CreateCommand(FindEndedSql);
        command.Parameters.Add(new() { Value = appId });
        command.Parameters.Add(TimeOrNull(filter.CreatedTimeFrom));
        command.Parameters.Add(TimeOrNull(filter.CreatedTimeTo));
        command.Parameters.Add(new() { Value = filter.RuntimeStatus.Select(s => (short)s).ToArray() });
        command.Parameters.Add(new() { Value = limit });
        return await ReadIdsAsync(command, cancellation);
    }

    private const string FindEndedSql = """
        select instance_id from workflow_instance
         where app_id = $1 and finish_time is not null
           and ($2 is null or create_time >= $2) and ($3 is null or create_time <= $3)
           and (cardinality($4) = 0 or status = any($4))
         order by create_time, instance_id limit $5
        """;

    private static async Task<List<string>> ReadIdsAsync(
        NpgsqlCommand command,
        CancellationToken cancellation
    )
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var ids = new List<string>();
        while (await reader.ReadAsync(cancellation))
            ids.Add(reader.GetString(0));
        return ids;
    }

    private static NpgsqlParameter TimeOrNull(Timestamp? time) =>
        new()
        {
            Value = time is null ? DBNull.Value : Times.Instant(time)?.UtcDateTime ?? DateTime.MaxValue,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        };

    /// <summary>A connection for the log writer, which keeps it for as long as it works.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellation) =>
        _source.OpenConnectionAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        _creating.Dispose();
    }

    private async IAsyncEnumerable<LogRecord> ReadAsync(
        string sql,
        string[] arguments,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        await CreateTablesAsync(cancellation);
        await using var command = _source.CreateCommand(sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new() { Value = argument });
        }
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            yield return Read(reader);
        }
    }

    private static LogRecord Read(NpgsqlDataReader row) =>
        new(
            new InstanceKey(row.GetString(0), row.GetString(1)),
            row.GetInt64(2),
            (RecordKind)row.GetInt16(3),
            GetInstanceHistoryResponse.Parser.ParseFrom(row.GetFieldValue<byte[]>(6)).Events
        )
        {
            Consumed = row.GetInt32(4),
            CustomStatus = row.IsDBNull(5)
                ? null
                : ByteString.CopyFrom(row.GetFieldValue<byte[]>(5)).ToStringUtf8(),
        };

    private async Task CreateTablesAsync(CancellationToken cancellation)
    {
        if (Volatile.Read(ref _created))
        {
            return;
        }
        await _creating.WaitAsync(cancellation);
        try
        {
            if (!_created)
            {
                await using var connection = await FirstConnectionAsync(cancellation);
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                await using var create = new NpgsqlCommand(WorkflowSchema.CreateSql, connection, transaction);
                await create.ExecuteNonQueryAsync(cancellation);
                await transaction.CommitAsync(cancellation);
                Volatile.Write(ref _created, true);
            }
        }
        finally
        {
            _creating.Release();
        }
    }

    private async Task<NpgsqlConnection> FirstConnectionAsync(CancellationToken cancellation)
    {
        try
        {
            return await _source.OpenConnectionAsync(cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            await WorkflowDatabase.CreateAsync(_address, cancellation);
            return await _source.OpenConnectionAsync(cancellation);
        }
    }
}
