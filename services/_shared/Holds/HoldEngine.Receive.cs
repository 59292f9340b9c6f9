namespace Souk.Shared.Holds;

public sealed partial class HoldEngine
{
    /// <summary>
    /// Adds free units to a pool and makes the pool when there is none. Not idempotent: the caller is.
    /// </summary>
    /// <param name="reference">Where they come from, such as a delivery note.</param>
    public static async Task<PoolChange> ReceiveAsync(DbTransaction tx, HoldLine line, string reference)
    {
        Invariant.That(line.Quantity > 0, "a received quantity is above 0");
        var change = await tx.OneAsync(
            ReceiveSql,
            [line.Key.Item, line.Key.Place, line.Quantity, reference, tx.Clock.GetUtcNow()],
            PoolChange.Read,
            tx.CancellationToken
        );
        Invariant.That(change is not null, "receiving changes a pool");
        return change;
    }

    private const string ReceiveSql = """
        with kept as (
          insert into pool (item, place, available, version, updated_at) values ($1, $2, $3, 1, $5)
              on conflict (item, place) do update
             set available = pool.available + excluded.available, version = pool.version + 1,
                 updated_at = excluded.updated_at
          returning item, place, available, reserved, version
        ), logged as (
          insert into movement
            (item, place, kind, available_delta, reserved_delta, version, reference, created_at)
          select item, place, 'received', $3, 0, version, $4, $5 from kept
        )
        select item, place, available, reserved, version, $3 from kept
        """;

    /// <summary>
    /// Compares every pool of an item with the sum of its log. Empty unless somebody wrote to a table past
    /// this engine.
    /// </summary>
    public static Task<List<string>> AuditAsync(DbQueries queries, string item, CancellationToken token) =>
        queries.ListAsync(AuditSql, [item], row => row.GetString(0), token);

    private const string AuditSql = """
        select p.place
          from pool p
          left join lateral (
            select coalesce(sum(m.available_delta), 0) as available,
                   coalesce(sum(m.reserved_delta), 0) as reserved, count(*) as steps
              from movement m where m.item = p.item and m.place = p.place) log on true
         where p.item = $1
           and (p.available, p.reserved, p.version) is distinct from (log.available, log.reserved, log.steps)
         order by p.place limit 1000
        """;
}
