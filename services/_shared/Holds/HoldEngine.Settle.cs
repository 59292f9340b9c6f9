namespace Souk.Shared.Holds;

public sealed partial class HoldEngine
{
    private const int ExpireMax = 1000;

    private static readonly Move Complete = new("active", "completed", "completed", 0, -1);
    private static readonly Move Release = new("active", "cancelled", "released", 1, -1);
    private static readonly Move Expire = new("active", "expired", "expired", 1, -1);
    private static readonly Move Restock = new("completed", "restocked", "restocked", 1, 0);

    /// <summary>
    /// Takes the held units away for good. Unchanged when they were taken before; Expired when the hold's
    /// time is over, even if nobody has put its units back yet; Released when they went back on purpose;
    /// Unknown.
    /// </summary>
    public static async Task<HoldResult> CompleteAsync(DbTransaction tx, Guid holdId)
    {
        var batch = new DbBatch(tx);
        batch.Add(CompleteHoldSql, [holdId, tx.Clock.GetUtcNow()]);
        var changes = AddMove(batch, holdId, Complete, tx.Clock.GetUtcNow());
        var rows = batch.Add(FindHoldSql, [holdId], HoldRow.Read);
        await batch.RunAsync();
        var hold = HoldRow.Join(rows);
        var outcome = hold?.Status switch
        {
            null => HoldOutcome.Unknown,
            HoldStatus.Completed => changes.Count > 0 ? HoldOutcome.Done : HoldOutcome.Unchanged,
            HoldStatus.Active or HoldStatus.Expired => HoldOutcome.Expired,
            _ => HoldOutcome.Released,
        };
        return new HoldResult(outcome, hold) { Changes = changes };
    }

    /// <summary>
    /// Puts held units back. Unchanged when they are back already; Completed when they are gone. A hold that
    /// does not exist is released in advance: the reservation that may still be on its way will find it
    /// Released.
    /// </summary>
    public static async Task<HoldResult> ReleaseAsync(DbTransaction tx, Guid holdId)
    {
        var (hold, changes) = await PutBackAsync(tx, holdId, Release);
        var outcome =
            changes.Count > 0 ? HoldOutcome.Done
            : hold.Status == HoldStatus.Completed ? HoldOutcome.Completed
            : HoldOutcome.Unchanged;
        return new HoldResult(outcome, hold) { Changes = changes };
    }

    /// <summary>
    /// Puts units of a completed hold back, once. Units that are still held are released instead, and a hold
    /// that does not exist is released in advance, so this undoes a hold whatever became of it.
    /// </summary>
    public static async Task<HoldResult> RestockAsync(DbTransaction tx, Guid holdId)
    {
        var (hold, changes) = await PutBackAsync(tx, holdId, Restock);
        if (hold.Status == HoldStatus.Active)
            return await ReleaseAsync(tx, holdId);
        return new HoldResult(changes.Count > 0 ? HoldOutcome.Done : HoldOutcome.Unchanged, hold)
        {
            Changes = changes,
        };
    }

    /// <summary>
    /// Puts back the units of holds whose time is over, oldest first, at most 1,000 holds at a time. Replicas
    /// take different holds. Each hold changes from active to expired by itself and each of its parts credits
    /// its pool once.
    /// </summary>
    public static async Task<ExpiredHolds> ExpireAsync(DbTransaction tx)
    {
        var now = tx.Clock.GetUtcNow();
        var due = await tx.ListAsync(
            DueHoldsSql,
            [now, ExpireMax],
            row => row.GetGuid(0),
            tx.CancellationToken
        );
        if (due.Count == 0)
            return new ExpiredHolds(due, [], false);
        var batch = new DbBatch(tx);
        Guid[] expired = [.. due];
        batch.Add(MoveHoldsSql, [expired, Expire.From, Expire.To, now]);
        var changes = AddMove(batch, expired, Expire, now);
        await batch.RunAsync();
        return new ExpiredHolds(due, changes, due.Count == ExpireMax);
    }

    private const string CompleteHoldSql = """
        update hold set status = 'completed', updated_at = $2
         where hold_id = $1 and status = 'active' and expires_at > $2
        """;

    private const string TombstoneSql = """
        insert into hold (hold_id, owner, reference, fingerprint, status, expires_at, created_at, updated_at)
        values ($1, '', '', '', 'cancelled', $2, $2, $2) on conflict (hold_id) do nothing
        """;

    private const string MoveHoldsSql = """
        update hold set status = $3, updated_at = $4 where hold_id = any($1) and status = $2
        """;

    private const string DueHoldsSql = """
        select hold_id from hold where status = 'active' and expires_at <= $1
         order by expires_at, hold_id limit $2 for update skip locked
        """;

    private static async Task<(Hold Hold, List<PoolChange> Changes)> PutBackAsync(
        DbTransaction tx,
        Guid holdId,
        Move move
    )
    {
        var now = tx.Clock.GetUtcNow();
        var batch = new DbBatch(tx);
        // Waits for a reservation that is being made, so that what follows sees it.
        batch.Add(TombstoneSql, [holdId, now]);
        batch.Add(MoveHoldsSql, [new[] { holdId }, move.From, move.To, now]);
        var changes = AddMove(batch, holdId, move, now);
        var rows = batch.Add(FindHoldSql, [holdId], HoldRow.Read);
        await batch.RunAsync();
        var hold = HoldRow.Join(rows);
        Invariant.That(hold is not null, "a released hold exists, if only as a tombstone");
        return (hold, changes);
    }

    private static List<PoolChange> AddMove(DbBatch batch, Guid holdId, Move move, DateTimeOffset now) =>
        AddMove(batch, LockPartsOfOneSql, MovePartsOfOneSql, holdId, move, now);

    private static List<PoolChange> AddMove(DbBatch batch, Guid[] holdIds, Move move, DateTimeOffset now) =>
        AddMove(batch, LockPartsSql, MovePartsSql, holdIds, move, now);

    private static List<PoolChange> AddMove(
        DbBatch batch,
        string lockSql,
        string moveSql,
        object holds,
        Move move,
        DateTimeOffset now
    )
    {
        batch.Add(lockSql, [holds, move.From], row => row.GetInt64(0));
        return batch.Add(
            moveSql,
            [holds, move.From, move.To, move.AvailablePerUnit, move.ReservedPerUnit, now, move.Kind],
            PoolChange.Read
        );
    }

    private const string LockPartsSql = """
        select p.id from pool p
         where (p.item, p.place) in
           (select r.item, r.place from hold_part r where r.hold_id = any($1) and r.status = $2)
         order by p.item, p.place
           for update
        """;

    // A part moves only with its hold and only out of the status it had, so it is credited once. Parts are
    // added up per pool before the pool is updated, as an update visits each row once however many rows it is
    // joined with; still every part is a step of its own in the log, with a version of its own.
    private const string MovePartsSql = """
        with moved as (
          update hold_part r set status = $3
            from hold h
           where r.hold_id = any($1) and r.status = $2 and h.hold_id = r.hold_id and h.status = $3
          returning r.reservation_id, r.hold_id, r.item, r.place, r.quantity
        ), numbered as (
          select hold_id, item, place, quantity,
                 row_number() over (partition by item, place order by reservation_id) as step
            from moved
        ), summed as (
          select item, place, sum(quantity)::bigint as quantity, count(*) as steps
            from moved group by item, place
        ), changed as (
          update pool p
             set available = p.available + $4::bigint * s.quantity,
                 reserved = p.reserved + $5::bigint * s.quantity,
                 version = p.version + s.steps, updated_at = $6
            from summed s
           where p.item = s.item and p.place = s.place
          returning p.item, p.place, p.available, p.reserved, p.version, s.quantity, s.steps
        ), logged as (
          insert into movement
            (item, place, kind, available_delta, reserved_delta, version, reference, created_at)
          select n.item, n.place, $7, $4::bigint * n.quantity, $5::bigint * n.quantity,
                 c.version - c.steps + n.step, n.hold_id::text, $6
            from numbered n join changed c on c.item = n.item and c.place = n.place
           order by n.item, n.place, n.step
        )
        select item, place, available, reserved, version, $4::bigint * quantity
          from changed order by item, place
        """;

    // The same two for a single hold. PostgreSQL plans "= any($1)" anew at each call, as its plan for any
    // array expects ten holds and looks dearer. Planning takes longer than running, and the second statement
    // is planned while the first one's locks are held. The plan of "= $1" it keeps.
    private static readonly string LockPartsOfOneSql = OfOne(LockPartsSql);
    private static readonly string MovePartsOfOneSql = OfOne(MovePartsSql);

    private static string OfOne(string sql) => sql.Replace("= any($1)", "= $1", StringComparison.Ordinal);

    /// <summary>A change of status, its name in the log, and what it does to a pool for each unit.</summary>
    private sealed record Move(
        string From,
        string To,
        string Kind,
        long AvailablePerUnit,
        long ReservedPerUnit
    );
}

/// <summary>What one run of the expiry did.</summary>
/// <param name="HoldIds">The holds that lapsed.</param>
/// <param name="HasMore">Whether more may be due.</param>
public sealed record ExpiredHolds(
    IReadOnlyList<Guid> HoldIds,
    IReadOnlyList<PoolChange> Changes,
    bool HasMore
);
