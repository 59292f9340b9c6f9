using System.Text;
using Dapr.DurableTask.Protobuf;
using Google.Protobuf;
using Npgsql;
using NpgsqlTypes;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// Many commits as one transaction of a handful of statements. Writing it twice changes nothing, so a
/// transaction of unknown outcome is simply written again. Records of an app that this process no longer owns
/// are left out by the statements themselves.
/// </summary>
internal sealed class LogBatch
{
    private readonly List<LogRecord> _records = [];
    private readonly Dictionary<InstanceKey, LogRecord> _entries = [];
    private readonly Dictionary<InstanceKey, LogRecord> _cutoffs = [];
    private readonly Dictionary<string, long> _epochs = [];
    private readonly List<byte[]> _payloads = [];

    public List<Commit> Commits { get; } = [];

    /// <summary>Bytes of the payloads so far.</summary>
    public int Size { get; private set; }

    public int Count => _records.Count;

    public void Add(Commit commit)
    {
        Commits.Add(commit);
        foreach (var record in commit.Records)
        {
            Add(record);
        }
    }

    /// <summary>Writes everything in one transaction and returns the apps of the batch that are still
    /// ours.</summary>
    public async Task<HashSet<string>> WriteAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(
            Command("select pg_advisory_xact_lock_shared($1)", WorkflowSchema.OwnershipLock)
        );
        if (_payloads.Count > 0)
        {
            batch.BatchCommands.Add(Insert());
        }
        var entries = _entries.Values.Where(r => r.Kind != RecordKind.Purged).ToList();
        if (entries.Count > 0)
        {
            batch.BatchCommands.Add(Upsert(entries));
        }
        if (_cutoffs.Count > 0)
        {
            batch.BatchCommands.Add(Cut(DeleteRecordsSql, _cutoffs.Values));
        }
        var purged = _entries.Values.Where(r => r.Kind == RecordKind.Purged).ToList();
        if (purged.Count > 0)
        {
            batch.BatchCommands.Add(Cut(DeleteInstancesSql, purged));
        }
        batch.BatchCommands.Add(Command(OwnedSql, _epochs.Keys.ToArray(), _epochs.Values.ToArray()));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        return await ReadOwnedAsync(reader, cancellation);
    }

    private void Add(LogRecord record)
    {
        _epochs[record.Key.AppId] = record.Sequence >> WorkflowSchema.EpochShift;
        if (record.Entry is not null || record.Kind == RecordKind.Purged)
        {
            _entries[record.Key] = record;
        }
        if (record.ReplacesOlder)
        {
            _cutoffs[record.Key] = record;
        }
        if (record.Kind != RecordKind.Purged)
        {
            var payload = new GetInstanceHistoryResponse { Events = { record.Events } }.ToByteArray();
            Size += payload.Length;
            _records.Add(record);
            _payloads.Add(payload);
        }
    }

    private NpgsqlBatchCommand Insert() =>
        Command(
            InsertSql,
            _records.ConvertAll(r => r.Key.AppId).ToArray(),
            _records.ConvertAll(r => r.Key.InstanceId).ToArray(),
            _records.ConvertAll(r => r.Sequence).ToArray(),
            _records.ConvertAll(r => (short)r.Kind).ToArray(),
            _records.ConvertAll(r => r.Consumed).ToArray(),
            _records
                .ConvertAll(r => r.CustomStatus is null ? null : Encoding.UTF8.GetBytes(r.CustomStatus))
                .ToArray(),
            _payloads.ToArray()
        );

    private const string InsertSql = """
        insert into workflow_log (app_id, instance_id, sequence, kind, consumed, custom_status, events)
        select r.app_id, r.instance_id, r.sequence, r.kind, r.consumed, r.custom_status, r.events
          from unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[], $5::integer[], $6::bytea[],
                      $7::bytea[])
               as r (app_id, instance_id, sequence, kind, consumed, custom_status, events)
          join workflow_owner o on o.app_id = r.app_id and o.epoch = r.sequence >> 36
            on conflict do nothing
        """;

    private static NpgsqlBatchCommand Upsert(List<LogRecord> records)
    {
        var entries = records.ConvertAll(r => r.Entry ?? throw new InvalidOperationException("no entry"));
        return Command(
            UpsertSql,
            records.ConvertAll(r => r.Key.AppId).ToArray(),
            records.ConvertAll(r => r.Key.InstanceId).ToArray(),
            records.ConvertAll(r => r.Sequence).ToArray(),
            entries.ConvertAll(e => e.Name).ToArray(),
            entries.ConvertAll(e => (short)e.Status).ToArray(),
            entries.ConvertAll(e => e.CreateTime.UtcDateTime).ToArray(),
            entries.ConvertAll(e => e.FinishTime?.UtcDateTime).ToArray()
        );
    }

    private const string UpsertSql = """
        insert into workflow_instance (app_id, instance_id, name, status, create_time, finish_time)
        select r.app_id, r.instance_id, r.name, r.status, r.create_time, r.finish_time
          from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::smallint[], $6::timestamptz[],
                      $7::timestamptz[])
               as r (app_id, instance_id, sequence, name, status, create_time, finish_time)
          join workflow_owner o on o.app_id = r.app_id and o.epoch = r.sequence >> 36
            on conflict (app_id, instance_id) do update
           set name = excluded.name, status = excluded.status, create_time = excluded.create_time,
               finish_time = excluded.finish_time
        """;

    private static NpgsqlBatchCommand Cut(string sql, IReadOnlyCollection<LogRecord> records) =>
        Command(
            sql,
            records.Select(r => r.Key.AppId).ToArray(),
            records.Select(r => r.Key.InstanceId).ToArray(),
            records.Select(r => r.Sequence).ToArray()
        );

    private const string DeleteRecordsSql = """
        delete from workflow_log l
         using unnest($1::text[], $2::text[], $3::bigint[]) as r (app_id, instance_id, sequence)
          join workflow_owner o on o.app_id = r.app_id and o.epoch = r.sequence >> 36
         where l.app_id = r.app_id and l.instance_id = r.instance_id and l.sequence < r.sequence
        """;

    private const string DeleteInstancesSql = """
        delete from workflow_instance i
         using unnest($1::text[], $2::text[], $3::bigint[]) as r (app_id, instance_id, sequence)
          join workflow_owner o on o.app_id = r.app_id and o.epoch = r.sequence >> 36
         where i.app_id = r.app_id and i.instance_id = r.instance_id
        """;

    private const string OwnedSql = """
        select o.app_id from workflow_owner o
          join unnest($1::text[], $2::bigint[]) as mine (app_id, epoch) using (app_id, epoch)
        """;

    private static async Task<HashSet<string>> ReadOwnedAsync(
        NpgsqlDataReader reader,
        CancellationToken cancellation
    )
    {
        var owned = new HashSet<string>();
        do
        {
            // Only the last statement answers text; the lock's answer is void.
            while (await reader.ReadAsync(cancellation))
            {
                if (reader.GetName(0) == "app_id")
                {
                    owned.Add(reader.GetString(0));
                }
            }
        } while (await reader.NextResultAsync(cancellation));
        return owned;
    }

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(Parameter(value));
        }
        return command;
    }

    private static NpgsqlParameter Parameter(object value) =>
        value switch
        {
            DateTime[] or DateTime?[] => new()
            {
                Value = value,
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
            },
            byte[]?[] => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
            _ => new() { Value = value },
        };
}
