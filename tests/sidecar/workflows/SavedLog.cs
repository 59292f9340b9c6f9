using Npgsql;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>Keeps all that was ever written to a log, so that every state a crash could leave can be
/// restored.</summary>
internal sealed class SavedLog : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;

    private SavedLog(NpgsqlDataSource source) => _source = source;

    /// <summary>Starts keeping what is written from now on.</summary>
    public static async Task<SavedLog> StartAsync(SidecarDatabase database)
    {
        var saved = new SavedLog(NpgsqlDataSource.Create(database.ConnectionString));
        await saved.RunAsync(
            """
            create table saved_log as select *, 0::bigint as tx from workflow_log with no data;
            create function save_log() returns trigger language plpgsql as $$
            begin
                insert into saved_log select new.*, txid_current();
                return new;
            end $$;
            create trigger save_log after insert on workflow_log for each row execute function save_log();
            """
        );
        return saved;
    }

    /// <summary>Stops keeping, and returns the last sequence of each transaction: a crash may come after
    /// any.</summary>
    public async Task<List<long>> StopAsync()
    {
        await RunAsync(
            """
            drop trigger save_log on workflow_log;
            create table saved_instance as select * from workflow_instance;
            """
        );
        await using var points = _source.CreateCommand(
            "select max(sequence) from saved_log group by tx order by 1"
        );
        await using var reader = await points.ExecuteReaderAsync();
        var found = new List<long>();
        while (await reader.ReadAsync())
        {
            found.Add(reader.GetInt64(0));
        }
        return found;
    }

    /// <summary>Makes the log what it was after the transaction that wrote the given sequence.</summary>
    public Task RestoreAsync(long point) =>
        RunAsync(
            $"""
            truncate workflow_log, workflow_instance;
            insert into workflow_log
            select app_id, instance_id, sequence, kind, consumed, custom_status, events
              from saved_log s
             where sequence <= {point}
               and sequence >= (select max(sequence) from saved_log b
                                 where b.instance_id = s.instance_id and b.kind in (0, 3)
                                   and b.sequence <= {point});
            insert into workflow_instance
            select app_id, instance_id, name, case when whole then status else 0 end, create_time,
                   case when whole then finish_time end
              from saved_instance
              join (select app_id, instance_id, max(sequence) <= {point} as whole, min(sequence) as first
                      from saved_log group by app_id, instance_id) l using (app_id, instance_id)
             where l.first <= {point}
            """
        );

    public async ValueTask DisposeAsync()
    {
        await RunAsync("drop table saved_log, saved_instance; drop function save_log");
        await _source.DisposeAsync();
    }

    private async Task RunAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
