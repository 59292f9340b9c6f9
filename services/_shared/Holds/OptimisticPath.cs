namespace Souk.Shared.Holds;

/// <summary>
/// Reads the pools without locks and takes the units only from the versions that it read. When a rival was
/// quicker, what was taken so far goes back to a savepoint and the pools are read again, a bounded number of
/// times.
/// </summary>
internal sealed class OptimisticPath : IReservePath
{
    internal const int RetriesMax = 5;

    public async Task<Reserving> ReserveAsync(DbTransaction tx, NewHold hold)
    {
        var first = new DbBatch(tx);
        var claimed = first.Add(
            ReserveSql.ClaimSql,
            ReserveSql.ClaimArgs(hold.Request, hold.Now),
            row => row.GetBoolean(0)
        );
        var pools = first.Add(ReadPoolsSql, ReserveSql.KeyArgs(hold), PoolState.Read);
        await first.RunAsync();
        if (claimed.Count == 0)
            return new Reserving(false, pools, []);
        for (var retry = 0; hold.Lacks(pools) is null && retry <= RetriesMax; retry++)
        {
            if (await TryTakeAsync(tx, hold, pools) is { } changes)
                return new Reserving(true, pools, changes);
            var again = new DbBatch(tx);
            again.Add("rollback to savepoint take", []);
            pools = again.Add(ReadPoolsSql, ReserveSql.KeyArgs(hold), PoolState.Read);
            await again.RunAsync();
        }
        await tx.ExecuteAsync(ReserveSql.UnclaimSql, [hold.Request.HoldId], tx.CancellationToken);
        return new Reserving(true, pools, []);
    }

    private const string ReadPoolsSql = """
        select p.item, p.place, p.available, p.reserved, p.version
          from unnest($1::text[], $2::text[]) as w(item, place)
          join pool p on p.item = w.item and p.place = w.place
         order by p.item, p.place
        """;

    // The pools come in key order and each update locks its row: the order of all operations.
    private static async Task<IReadOnlyList<PoolChange>?> TryTakeAsync(
        DbTransaction tx,
        NewHold hold,
        IReadOnlyList<PoolState> pools
    )
    {
        var parts = hold.Parts.ToDictionary(part => part.Key);
        var batch = new DbBatch(tx);
        batch.Add("savepoint take", []);
        var updates = pools.Select(pool => AddTake(batch, pool, parts[pool.Key].Quantity, hold.Now)).ToList();
        await batch.RunAsync();
        if (updates.Exists(update => update.Count == 0))
            return null;
        List<PoolChange> changes = [.. updates.Select(update => update[0])];
        await tx.ExecuteAsync(
            RecordSql,
            [
                hold.Request.HoldId,
                changes.Select(change => parts[change.After.Key].ReservationId).ToArray(),
                changes.Select(change => change.After.Key.Item).ToArray(),
                changes.Select(change => change.After.Key.Place).ToArray(),
                changes.Select(change => -change.AvailableDelta).ToArray(),
                changes.Select(change => change.After.Version).ToArray(),
                hold.Now,
            ],
            tx.CancellationToken
        );
        return changes;
    }

    /// <summary>Takes units of one pool if it still has the version: one row then, none otherwise.</summary>
    internal static List<PoolChange> AddTake(
        DbBatch batch,
        PoolState pool,
        long quantity,
        DateTimeOffset now
    ) =>
        batch.Add(
            TakeVersionSql,
            [pool.Key.Item, pool.Key.Place, quantity, pool.Version, now],
            PoolChange.Read
        );

    private const string TakeVersionSql = """
        update pool
           set available = available - $3, reserved = reserved + $3, version = version + 1, updated_at = $5
         where item = $1 and place = $2 and version = $4 and available >= $3
        returning item, place, available, reserved, version, -$3::bigint
        """;

    private const string RecordSql = """
        with taken as (
          select t.reservation_id, t.item, t.place, t.quantity, t.version
            from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
              as t(reservation_id, item, place, quantity, version)
        ), parts as (
          insert into hold_part (reservation_id, hold_id, item, place, quantity, status)
          select reservation_id, $1, item, place, quantity, 'active' from taken
        )
        insert into movement
          (item, place, kind, available_delta, reserved_delta, version, reference, created_at)
        select item, place, 'reserved', -quantity, quantity, version, $1::uuid::text, $7
          from taken order by item, place
        """;
}
