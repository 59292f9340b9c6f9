namespace Souk.Shared.Holds;

/// <summary>
/// Holds quantities of keys, all or none, until an instant; then completes or releases them, once. Every
/// operation works in the caller's open transaction, so that the caller's events and answers commit with it.
/// Call one operation per transaction: each locks the hold first, then pools in key order, and that order is
/// what excludes deadlocks.
/// </summary>
/// <remarks>
/// Time is the caller's clock, not the database's: a test can move it, and a process whose clock is off errs
/// by as much about the end of a hold, but the status still changes once only.
/// </remarks>
public sealed partial class HoldEngine
{
    private readonly IReservePath _path;

    /// <summary>An engine that reserves by this path.</summary>
    /// <param name="leases">Where the leased path gets its leases; the others need none.</param>
    public HoldEngine(HoldPath path = HoldPath.Pessimistic, ILeases? leases = null) =>
        _path = path switch
        {
            HoldPath.Optimistic => new OptimisticPath(),
            HoldPath.Leased => new LeasedPath(
                leases ?? throw new ArgumentNullException(nameof(leases), "The leased path needs leases.")
            ),
            _ => new PessimisticPath(),
        };

    /// <summary>
    /// Reserves in a transaction of its own that the work completes, for instance with events.
    /// </summary>
    public Task<HoldResult> ReserveAsync(
        Db db,
        HoldRequest request,
        Func<DbTransaction, HoldResult, Task> work,
        CancellationToken token
    ) =>
        _path.AroundAsync(
            [.. request.Lines.Select(line => line.Key.Item)],
            () =>
                db.InTransactionAsync(
                    async tx =>
                    {
                        var result = await ReserveAsync(tx, request);
                        await work(tx, result);
                        return result;
                    },
                    token
                ),
            token
        );

    /// <summary>
    /// Holds all lines or none. The same hold again is Unchanged; Released, when it was released meanwhile or
    /// before it was made; Mismatch with other content.
    /// </summary>
    public async Task<HoldResult> ReserveAsync(DbTransaction tx, HoldRequest request)
    {
        var hold = NewHold.From(request, request.Lines, tx.Clock);
        var done = await _path.ReserveAsync(tx, hold);
        return done.IsClaimed ? Reserved(hold, done) : await RepeatAsync(tx, request);
    }

    /// <summary>
    /// As above, with places chosen below the locks of every pool of the items: nobody can take a unit
    /// between the choice and the hold. Dearer for rivals, so callers try with a snapshot first.
    /// </summary>
    /// <param name="request">Its lines are not looked at; it must have terms.</param>
    /// <param name="choose">Gives the lines, or null when the pools do not suffice: Short, then.</param>
    public static async Task<HoldResult> ReserveChosenAsync(
        DbTransaction tx,
        HoldRequest request,
        IReadOnlyCollection<string> items,
        Func<IReadOnlyList<PoolState>, IReadOnlyList<HoldLine>?> choose
    )
    {
        Invariant.That(request.Terms is not null, "a hold whose places are chosen here has terms");
        var first = new DbBatch(tx);
        var claim = ReserveSql.ClaimArgs(request, tx.Clock.GetUtcNow());
        var claimed = first.Add(ReserveSql.ClaimSql, claim, row => row.GetBoolean(0));
        var pools = first.Add(ReserveSql.LockItemsSql, [items.ToArray()], PoolState.Read);
        await first.RunAsync();
        if (claimed.Count == 0)
            return await RepeatAsync(tx, request);
        if (choose(pools) is not { } lines)
        {
            await tx.ExecuteAsync(ReserveSql.UnclaimSql, [request.HoldId], tx.CancellationToken);
            return new HoldResult(HoldOutcome.Short);
        }
        var hold = NewHold.From(request, lines, tx.Clock);
        var changes = await tx.ListAsync(
            ReserveSql.TakeSql,
            ReserveSql.TakeArgs(hold),
            PoolChange.Read,
            tx.CancellationToken
        );
        return Reserved(hold, new Reserving(true, pools, changes));
    }

    /// <summary>A hold as it stands, or null.</summary>
    public static async Task<Hold?> FindAsync(DbQueries queries, Guid holdId, CancellationToken token) =>
        HoldRow.Join(await queries.ListAsync(FindHoldSql, [holdId], HoldRow.Read, token));

    private const string FindHoldSql = """
        select h.hold_id, h.status, h.expires_at, h.fingerprint, r.reservation_id, r.item, r.place, r.quantity
          from hold h left join hold_part r on r.hold_id = h.hold_id
         where h.hold_id = $1 order by r.item, r.place
        """;

    private static HoldResult Reserved(NewHold hold, Reserving done)
    {
        if (done.Changes.Count == hold.Parts.Count)
        {
            var made = new Hold(
                hold.Request.HoldId,
                HoldStatus.Active,
                hold.Now + hold.Request.Ttl,
                [
                    .. hold
                        .Parts.OrderBy(part => part.Key.Item, StringComparer.Ordinal)
                        .ThenBy(part => part.Key.Place, StringComparer.Ordinal),
                ]
            );
            return new HoldResult(HoldOutcome.Done, made) { Changes = done.Changes };
        }
        Invariant.That(done.Changes.Count == 0, "a hold takes all of its units or none");
        if (hold.Lacks(done.Pools) is not { } lack)
            return new HoldResult(HoldOutcome.Conflict);
        return new HoldResult(lack.IsMissing ? HoldOutcome.Missing : HoldOutcome.Short)
        {
            Shortage = lack.Shortage,
        };
    }

    private static async Task<HoldResult> RepeatAsync(DbTransaction tx, HoldRequest request)
    {
        var rows = await tx.ListAsync(FindHoldSql, [request.HoldId], HoldRow.Read, tx.CancellationToken);
        var hold = HoldRow.Join(rows);
        Invariant.That(hold is not null, "holds are never deleted once they are committed");
        if (hold.Status == HoldStatus.Cancelled)
            return new HoldResult(HoldOutcome.Released, hold);
        return rows[0].Fingerprint.AsSpan().SequenceEqual(request.Fingerprint())
            ? new HoldResult(HoldOutcome.Unchanged, hold)
            : new HoldResult(HoldOutcome.Mismatch);
    }
}
