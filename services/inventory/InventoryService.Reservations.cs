using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Inventory.V1;
using Souk.Shared.Holds;
using Hold = Souk.Shared.Holds.Hold;
using HoldStatus = Souk.Shared.Holds.HoldStatus;
using Reasons = Souk.Type.Reason;

namespace Souk.Inventory;

internal sealed partial class InventoryService
{
    private const long LineQuantityMax = 100_000;
    private const int TtlSecondsDefault = 600;
    private const int TtlSecondsMax = 3600;
    private const int SnapshotsMax = 4;

    public override async Task<StockHold> ReserveStock(ReserveStockRequest request, ServerCallContext context)
    {
        using var span = Telemetry.Activities.StartActivity("reserve_inventory");
        var wanted = Wanted(request.Lines);
        var hold = new HoldRequest(HoldId(request.HoldId), request.UserId, request.OrderId, [], Ttl(request))
        {
            Terms = HoldRequest.TermsOf(wanted.Select(line => (line.Key, line.Value))),
        };
        var nearness = new Nearness(request.Country);
        var token = context.CancellationToken;
        for (var snapshot = 0; snapshot < SnapshotsMax; snapshot++)
        {
            var stock = await db.ListAsync(ReserveStockSnapshotSql, [SkusOf(wanted)], nearness.Read, token);
            var plan = Allocation.Plan(wanted, stock, nearness.DistanceKm);
            if (plan.Lines is not { } lines)
            {
                // Nothing to hold, unless this is a repeat: it may have been what took the last units.
                if (await HoldEngine.FindAsync(db, hold.HoldId, token) is null)
                    throw NotAvailable(plan);
                break;
            }
            var result = await engine.ReserveAsync(db, hold with { Lines = lines }, PublishAsync, token);
            // A rival took what the snapshot had shown. There may be units elsewhere: look again.
            if (result.Outcome is not (HoldOutcome.Short or HoldOutcome.Conflict))
                return Reply(result, request.HoldId);
        }
        return await ReserveLockedAsync(hold, wanted, nearness, token);
    }

    // The last resort decides below locks, so that nobody is told "sold out" because others were quicker
    // elsewhere.
    private async Task<StockHold> ReserveLockedAsync(
        HoldRequest hold,
        SortedDictionary<string, long> wanted,
        Nearness nearness,
        CancellationToken token
    )
    {
        var result = await db.InTransactionAsync(
            async tx =>
            {
                var held = await HoldEngine.ReserveChosenAsync(
                    tx,
                    hold,
                    wanted.Keys,
                    pools =>
                    {
                        var plan = Allocation.Plan(wanted, pools, nearness.DistanceKm);
                        return plan.Lines ?? throw NotAvailable(plan);
                    }
                );
                await PublishAsync(tx, held);
                return held;
            },
            token
        );
        return Reply(result, hold.HoldId.ToString());
    }

    private const string ReserveStockSnapshotSql = """
        select p.item, p.place, p.available, p.reserved, p.version, w.country, w.latitude, w.longitude
          from pool p join warehouse w on w.warehouse_id = p.place
         where p.item = any($1) order by p.item, p.place limit 200000
        """;

    public override async Task<StockHold> CompleteReservation(
        CompleteReservationRequest request,
        ServerCallContext context
    ) => await SettleAsync(request.HoldId, HoldEngine.CompleteAsync, context);

    public override async Task<StockHold> ReleaseReservation(
        ReleaseReservationRequest request,
        ServerCallContext context
    ) => await SettleAsync(request.HoldId, HoldEngine.ReleaseAsync, context);

    public override async Task<StockHold> RestockReservation(
        RestockReservationRequest request,
        ServerCallContext context
    ) => await SettleAsync(request.HoldId, HoldEngine.RestockAsync, context);

    private async Task<StockHold> SettleAsync(
        string holdId,
        Func<DbTransaction, Guid, Task<HoldResult>> settle,
        ServerCallContext context
    )
    {
        var id = HoldId(holdId);
        var result = await db.InTransactionAsync(
            async tx =>
            {
                var settled = await settle(tx, id);
                await PublishAsync(tx, settled);
                return settled;
            },
            context.CancellationToken
        );
        return Reply(result, holdId);
    }

    private Task PublishAsync(DbTransaction tx, HoldResult result) =>
        changes.PublishAsync(tx, result.Changes);

    private static SortedDictionary<string, long> Wanted(IEnumerable<StockLine> lines)
    {
        var wanted = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            if (line.Quantity is < 1 or > LineQuantityMax)
                throw Fault.InvalidArgument("lines.quantity", "must be 1 to 100,000");
            wanted[line.Sku] = wanted.GetValueOrDefault(line.Sku) + line.Quantity;
        }
        return wanted;
    }

    private static string[] SkusOf(SortedDictionary<string, long> wanted) => [.. wanted.Keys];

    private static TimeSpan Ttl(ReserveStockRequest request) =>
        request.TtlSeconds is >= 0 and <= TtlSecondsMax
            ? TimeSpan.FromSeconds(request.TtlSeconds == 0 ? TtlSecondsDefault : request.TtlSeconds)
            : throw Fault.InvalidArgument("ttl_seconds", "must be 0 to 3,600");

    private static Guid HoldId(string text) =>
        Guid.TryParse(text, out var id) ? id : throw Fault.InvalidArgument("hold_id", "must be a UUID");

    private static RpcException NotAvailable(AllocationPlan plan) =>
        plan.IsUnknown
            ? Fault.NotFound("sku", plan.ShortSku)
            : Fault.Aborted(
                Reason.OutOfStock,
                $"Of {plan.ShortSku} only {plan.Available} are left.",
                ("sku", plan.ShortSku),
                ("available", plan.Available.ToString(CultureInfo.InvariantCulture))
            );

    private static StockHold Reply(HoldResult result, string holdId) =>
        result.Outcome switch
        {
            HoldOutcome.Done or HoldOutcome.Unchanged when result.Hold is { } hold => Message(hold),
            HoldOutcome.Mismatch => throw Fault.Aborted(
                Reasons.IdempotencyMismatch,
                "The hold exists with other content."
            ),
            HoldOutcome.Expired => throw Fault.FailedPrecondition(
                Reason.ReservationExpired,
                "The hold's time was over."
            ),
            HoldOutcome.Released => throw Fault.FailedPrecondition(
                Reason.ReservationReleased,
                "The hold was released."
            ),
            HoldOutcome.Completed => throw Fault.FailedPrecondition(
                Reason.ReservationCompleted,
                "The hold was completed."
            ),
            HoldOutcome.Unknown => throw Fault.NotFound("hold", holdId),
            _ => throw new InvariantException($"no caller gets the outcome {result.Outcome}"),
        };

    private static StockHold Message(Hold hold)
    {
        var message = new StockHold
        {
            HoldId = hold.HoldId.ToString(),
            Status = hold.Status switch
            {
                HoldStatus.Active => V1.HoldStatus.Active,
                HoldStatus.Completed => V1.HoldStatus.Completed,
                HoldStatus.Cancelled => V1.HoldStatus.Cancelled,
                HoldStatus.Expired => V1.HoldStatus.Expired,
                _ => V1.HoldStatus.Restocked,
            },
            ExpiresAt = hold.ExpiresAt.ToTimestamp(),
        };
        message.Reservations.Add(
            hold.Parts.Select(part => new Reservation
            {
                ReservationId = part.ReservationId.ToString(),
                Sku = part.Key.Item,
                WarehouseId = part.Key.Place,
                Quantity = part.Quantity,
            })
        );
        return message;
    }
}
