using System.Text.RegularExpressions;
using Npgsql;

namespace Souk.Sidecar.State;

internal enum ChangeKind
{
    Upsert,
    Create,
    Replace,
    Delete,
    DeleteChecked,
}

/// <summary>
/// The statements of one state table. Its name comes from the component's file, checked here.
/// </summary>
internal sealed partial class PostgresStateSql
{
    private readonly string _table;
    private readonly string _migrate;
    private readonly Dictionary<(ChangeKind, bool), string> _changes = [];

    public PostgresStateSql(string tablePrefix, string? metadataTable)
    {
        _table = Checked(tablePrefix + "state");
        var metadata = Checked(metadataTable ?? tablePrefix + "dapr_metadata");
        _migrate = $"""
            select pg_advisory_xact_lock(hashtext('{metadata}'));
            create table if not exists {metadata} (
              key text not null primary key,
              value text not null
            );
            create table if not exists {_table} (
              key text not null primary key,
              value bytea not null,
              etag uuid not null,
              created_at timestamptz not null default now(),
              updated_at timestamptz,
              expires_at timestamptz
            );
            create index if not exists {_table}_expires_at_idx on {_table} (expires_at)
              where expires_at is not null;
            insert into {metadata} (key, value) values ('migrations', '1') on conflict (key) do nothing;
            """;
        Get = $"""
            select value, etag, expires_at from {_table}
             where key = $1 and (expires_at is null or expires_at >= now())
            """;
        GetMany = $"""
            select key, value, etag, expires_at from {_table}
             where key = any($1) and (expires_at is null or expires_at >= now())
            """;
        DeleteExpired = $"delete from {_table} where expires_at < now()";
        foreach (var kind in Enum.GetValues<ChangeKind>())
        {
            var change = Change(kind);
            _changes[(kind, false)] = change;
            _changes[(kind, true)] = $"""
                with change as ({change} returning 1)
                select 1 / (select count(*) from change)
                """;
        }
    }

    public string Get { get; }

    public string GetMany { get; }

    public string DeleteExpired { get; }

    /// <summary>
    /// The statement for a change. With <paramref name="mustChange"/> it fails by itself when its check does;
    /// otherwise it changes no row.
    /// </summary>
    public (string Text, ChangeKind Kind) Of(StateChange change, bool mustChange)
    {
        var kind = KindOf(change);
        return (_changes[(kind, mustChange && kind is not (ChangeKind.Delete or ChangeKind.Upsert))], kind);
    }

    /// <summary>Makes the tables when they are missing. Sidecars that start together take turns.</summary>
    public async Task MigrateAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        // Statements sent together are one transaction.
        await using var command = source.CreateCommand(_migrate);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    // An expired row is as good as none: it may be created anew and cannot be replaced.
    private string Change(ChangeKind kind) =>
        kind switch
        {
            ChangeKind.Upsert => $"{Insert} on conflict (key) do update set {Taken}",
            ChangeKind.Create =>
                $"{Insert} on conflict (key) do update set {Taken} where {_table}.expires_at < now()",
            ChangeKind.Replace => $"""
                update {_table}
                   set value = $2, etag = gen_random_uuid(), updated_at = now(),
                       expires_at = now() + $3 * interval '1 second'
                 where key = $1 and etag = $4 and (expires_at is null or expires_at >= now())
                """,
            ChangeKind.Delete => $"delete from {_table} where key = $1",
            _ => $"""
                delete from {_table}
                 where key = $1 and etag = $2 and (expires_at is null or expires_at >= now())
                """,
        };

    private string Insert =>
        $"""
            insert into {_table} (key, value, etag, expires_at)
            values ($1, $2, gen_random_uuid(), now() + $3 * interval '1 second')
            """;

    private const string Taken =
        "value = excluded.value, etag = excluded.etag, updated_at = now(), expires_at = excluded.expires_at";

    private static ChangeKind KindOf(StateChange change) =>
        change switch
        {
            { IsDelete: true, Etag: null } => ChangeKind.Delete,
            { IsDelete: true } => ChangeKind.DeleteChecked,
            { IsCreateOnly: true } => ChangeKind.Create,
            { Etag: null } => ChangeKind.Upsert,
            _ => ChangeKind.Replace,
        };

    private static string Checked(string name) =>
        Identifier().IsMatch(name)
            ? name
            : throw new FormatException($"'{name}' is not a table name of lower-case letters, digits and _");

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,55}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Identifier();
}
