namespace Souk.Shared.Holds;

/// <summary>
/// The statements that reserve. Every operation locks in one order, so that no two can wait for each other:
/// the hold's row first, then pools by key.
/// </summary>
internal static class ReserveSql
{
    internal static object?[] ClaimArgs(HoldRequest request, DateTimeOffset now) =>
        [request.HoldId, request.Owner, request.Reference, request.Fingerprint(), now + request.Ttl, now];

    /// <summary>Waits for another transaction that is making or releasing the same hold.</summary>
    internal const string ClaimSql = """
        insert into hold (hold_id, owner, reference, fingerprint, status, expires_at, created_at, updated_at)
        values ($1, $2, $3, $4, 'active', $5, $6, $6)
            on conflict (hold_id) do nothing
        returning true
        """;

    internal const string UnclaimSql = """
        delete from hold where hold_id = $1 and status = 'active'
           and not exists (select 1 from hold_part where hold_id = $1)
        """;

    internal static object?[] KeyArgs(NewHold hold) => [hold.Items, hold.Places];

    internal const string LockPoolsSql = """
        select p.item, p.place, p.available, p.reserved, p.version
          from unnest($1::text[], $2::text[]) as w(item, place)
          join pool p on p.item = w.item and p.place = w.place
         order by p.item, p.place
           for update of p
        """;

    internal const string LockItemsSql = """
        select item, place, available, reserved, version from pool
         where item = any($1) order by item, place for update
        """;

    internal static object?[] TakeArgs(NewHold hold) =>
        [hold.Request.HoldId, hold.Items, hold.Places, hold.Quantities, hold.ReservationIds, hold.Now];

    /// <summary>
    /// Runs below the locks, with a snapshot that is younger than they are. An active hold without parts can
    /// only be the one that this transaction has just claimed; when the units do not suffice the claim goes
    /// again.
    /// </summary>
    internal const string TakeSql = """
        with wanted as (
          select w.item, w.place, w.quantity, w.reservation_id
            from unnest($2::text[], $3::text[], $4::bigint[], $5::uuid[])
              as w(item, place, quantity, reservation_id)
        ), claimed as (
          select hold_id from hold
           where hold_id = $1 and status = 'active'
             and not exists (select 1 from hold_part where hold_id = $1)
        ), verdict as (
          select count(p.item) = count(*) and bool_and(p.available >= w.quantity) as fits
            from wanted w left join pool p on p.item = w.item and p.place = w.place
        ), unclaimed as (
          delete from hold using claimed, verdict
           where hold.hold_id = claimed.hold_id and verdict.fits is not true
        ), taken as (
          update pool p
             set available = p.available - w.quantity, reserved = p.reserved + w.quantity,
                 version = p.version + 1, updated_at = $6
            from wanted w, claimed, verdict
           where p.item = w.item and p.place = w.place and verdict.fits
          returning p.item, p.place, p.available, p.reserved, p.version, w.quantity, w.reservation_id
        ), parts as (
          insert into hold_part (reservation_id, hold_id, item, place, quantity, status)
          select reservation_id, $1, item, place, quantity, 'active' from taken
        ), logged as (
          insert into movement
            (item, place, kind, available_delta, reserved_delta, version, reference, created_at)
          select item, place, 'reserved', -quantity, quantity, version, $1::uuid::text, $6
            from taken order by item, place
        )
        select item, place, available, reserved, version, -quantity from taken order by item, place
        """;
}
