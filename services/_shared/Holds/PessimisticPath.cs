namespace Souk.Shared.Holds;

/// <summary>
/// Locks the pools in key order and takes the units below the locks: one round trip, no retries, no deadlock.
/// Rivals for a pool wait until the transaction ends.
/// </summary>
internal sealed class PessimisticPath : IReservePath
{
    public async Task<Reserving> ReserveAsync(DbTransaction tx, NewHold hold)
    {
        var batch = new DbBatch(tx);
        var claimed = batch.Add(
            ReserveSql.ClaimSql,
            ReserveSql.ClaimArgs(hold.Request, hold.Now),
            row => row.GetBoolean(0)
        );
        var pools = batch.Add(ReserveSql.LockPoolsSql, ReserveSql.KeyArgs(hold), PoolState.Read);
        var changes = batch.Add(ReserveSql.TakeSql, ReserveSql.TakeArgs(hold), PoolChange.Read);
        await batch.RunAsync();
        return new Reserving(claimed.Count > 0, pools, changes);
    }
}
