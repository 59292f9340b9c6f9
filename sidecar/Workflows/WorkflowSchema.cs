namespace Souk.Sidecar.Workflows;

/// <summary>The tables of the workflow history. Created by the runtime itself: its user has no migration
/// step.</summary>
internal static class WorkflowSchema
{
    /// <summary>Writers hold it shared for a transaction; whoever takes an app over holds it
    /// exclusively.</summary>
    public const long OwnershipLock = 0x536f_756b_4f77_6e72;

    /// <summary>
    /// The high bits of a sequence are the owner's epoch, so that two owners never give the same sequence to
    /// different records, and a record tells who wrote it.
    /// </summary>
    public const int EpochShift = 36;

    public const string CreateSql = """
        do $$
        begin
            perform pg_advisory_xact_lock(1349874519);
            if to_regclass('workflow_log') is null then
                create table workflow_owner (
                    app_id text primary key,
                    epoch  bigint not null check (epoch > 0)
                );
                create table workflow_instance (
                    app_id      text collate "C" not null,
                    instance_id text collate "C" not null,
                    name        text not null,
                    status      smallint not null,
                    create_time timestamptz not null,
                    finish_time timestamptz,
                    primary key (app_id, instance_id)
                );
                create index workflow_instance_active
                    on workflow_instance (app_id, instance_id) where finish_time is null;
                create table workflow_log (
                    app_id        text collate "C" not null,
                    instance_id   text collate "C" not null,
                    sequence      bigint not null,
                    kind          smallint not null,
                    consumed      integer not null check (consumed >= 0),
                    custom_status bytea,
                    events        bytea not null,
                    primary key (app_id, instance_id, sequence)
                );
                -- Written once, read after a crash: compressing costs more than the space is worth.
                alter table workflow_log alter column events set storage external;
            end if;
        end
        $$;
        """;
}
