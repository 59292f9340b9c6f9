using Npgsql;
using Souk.Shared;
using Souk.Shared.Holds;

namespace Souk.Tests.Shared.Holds;

internal sealed class SettleTests : HoldsFixture
{
    [Test, Description("INV-08")]
    public async Task Complete_Active_TakesUnitsAwayOnce()
    {
        var key = await StockedKeyAsync(10);
        var hold = await HoldAsync((key, 4));
        var first = await CompleteAsync(hold);
        var again = await CompleteAsync(hold);
        Assert.That(first.Outcome, Is.EqualTo(HoldOutcome.Done));
        Assert.That(first.Changes, Is.EqualTo([new PoolChange(new PoolState(key, 6, 0, 3), 0)]));
        Assert.That(again.Outcome, Is.EqualTo(HoldOutcome.Unchanged));
        Assert.That(again.Changes, Is.Empty);
        Assert.That(await PoolAsync(key), Is.EqualTo((6, 0, 3)));
    }

    [Test, Description("K11")]
    public async Task Complete_TimeIsOver_IsExpiredWhetherOrNotTheJobRan()
    {
        var key = await StockedKeyAsync(10);
        var hold = await HoldAsync((key, 4));
        Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.That((await CompleteAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Expired));
        Assert.That(await PoolAsync(key), Is.EqualTo((6, 4, 2)));
        await ExpireAsync();
        Assert.That((await CompleteAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Expired));
        Assert.That(await PoolAsync(key), Is.EqualTo((10, 0, 3)));
    }

    [Test, Description("K11")]
    public async Task Complete_ReleasedOrUnknown_IsToldApart()
    {
        var key = await StockedKeyAsync(10);
        var hold = await HoldAsync((key, 4));
        await ReleaseAsync(hold);
        Assert.That((await CompleteAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Released));
        Assert.That((await CompleteAsync(Ids.New(Clock))).Outcome, Is.EqualTo(HoldOutcome.Unknown));
        Assert.That(await PoolAsync(key), Is.EqualTo((10, 0, 3)));
    }

    [Test, Description("INV-09, K33: every write raises the version")]
    public async Task Release_Active_PutsUnitsBackOnce()
    {
        var (a, b) = (await StockedKeyAsync(10), await StockedKeyAsync(5));
        var hold = await HoldAsync((a, 4), (b, 5));
        var first = await ReleaseAsync(hold);
        Assert.That(first.Outcome, Is.EqualTo(HoldOutcome.Done));
        Assert.That(first.Hold!.Status, Is.EqualTo(HoldStatus.Cancelled));
        Assert.That((await ReleaseAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Unchanged));
        Assert.That(await PoolAsync(a), Is.EqualTo((10, 0, 3)));
        Assert.That(await PoolAsync(b), Is.EqualTo((5, 0, 3)));
        await AssertAuditAsync(a, b);
    }

    [Test, Description("INV-09")]
    public async Task Release_Completed_IsRefused()
    {
        var key = await StockedKeyAsync(10);
        var hold = await HoldAsync((key, 4));
        await CompleteAsync(hold);
        Assert.That((await ReleaseAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Completed));
        Assert.That(await PoolAsync(key), Is.EqualTo((6, 0, 3)));
    }

    [Test, Description("K13: a compensation that overtakes its reservation")]
    public async Task Release_Unknown_BarsTheReservationThatComesLate()
    {
        var key = await StockedKeyAsync(10);
        var request = Request((key, 4));
        var released = await ReleaseAsync(request.HoldId);
        Assert.That(released.Outcome, Is.EqualTo(HoldOutcome.Unchanged));
        Assert.That(released.Hold!.Parts, Is.Empty);
        Assert.That((await ReserveAsync(request)).Outcome, Is.EqualTo(HoldOutcome.Released));
        Assert.That(await PoolAsync(key), Is.EqualTo((10, 0, 1)));
    }

    [Test, Description("K13: whoever is first, nothing stays held")]
    public async Task Release_WhileItIsReserved_LeavesNothingHeld([Values(true, false)] bool restock)
    {
        var key = await StockedKeyAsync(100);
        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(_ => Request((key, 3)))
                .Select(request =>
                    Task.WhenAll(
                        ReserveAsync(request),
                        restock ? RestockAsync(request.HoldId) : ReleaseAsync(request.HoldId),
                        ReserveAsync(request)
                    )
                )
        );
        var (available, reserved, _) = await PoolAsync(key);
        Assert.That((available, reserved), Is.EqualTo((100, 0)));
        AssertNoDeadlocks();
        await AssertAuditAsync(key);
    }

    [Test, Description("V6, K10, INV-10: holds of 2, 3 and 4 on one row, all expired")]
    public async Task Expire_SeveralHoldsOnOneRow_RestoresTheExactSum()
    {
        var key = await StockedKeyAsync(10);
        foreach (var quantity in new[] { 2, 3, 4 })
            await HoldAsync((key, quantity));
        Assert.That(await PoolAsync(key), Is.EqualTo((1, 9, 4)));
        Assert.That(await ExpireAsync(), Is.Empty, "their time is not over");
        Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.That(await ExpireAsync(), Has.Count.EqualTo(3));
        Assert.That(await PoolAsync(key), Is.EqualTo((10, 0, 7)));
        Assert.That(await ExpireAsync(), Is.Empty);
        await AssertAuditAsync(key);
    }

    [Test, Description("INV-10: batches of 1,000, several replicas")]
    public async Task Expire_ManyHoldsManyReplicas_CreditsEachOnce()
    {
        const int holds = 1200;
        var key = await StockedKeyAsync(holds * 2);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, holds),
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (_, _) => await HoldAsync((key, 2))
        );
        Clock.Advance(TimeSpan.FromMinutes(10));
        var expired = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ExpireAsync()));
        Assert.That(
            expired.SelectMany(ids => ids).Distinct().Count(),
            Is.EqualTo(expired.Sum(ids => ids.Count))
        );
        await ExpireAsync();
        Assert.That(await PoolAsync(key), Is.EqualTo((holds * 2, 0, 1 + holds * 2)));
        await AssertAuditAsync(key);
    }

    [Test]
    public async Task Expire_CompletedOrReleased_IsLeftAlone()
    {
        var key = await StockedKeyAsync(10);
        await CompleteAsync(await HoldAsync((key, 1)));
        await ReleaseAsync(await HoldAsync((key, 2)));
        Clock.Advance(TimeSpan.FromHours(1));
        await ExpireAsync();
        var (available, reserved, _) = await PoolAsync(key);
        Assert.That((available, reserved), Is.EqualTo((9, 0)));
    }

    [Test]
    public async Task Restock_Completed_PutsUnitsBackOnce()
    {
        var key = await StockedKeyAsync(10);
        var hold = await HoldAsync((key, 4));
        await CompleteAsync(hold);
        Assert.That((await RestockAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Done));
        Assert.That((await RestockAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Unchanged));
        Assert.That((await CompleteAsync(hold)).Outcome, Is.EqualTo(HoldOutcome.Released));
        Assert.That(await PoolAsync(key), Is.EqualTo((10, 0, 4)));
        await AssertAuditAsync(key);
    }

    [Test]
    public async Task Restock_ActiveOrUnknown_ReleasesInstead()
    {
        var key = await StockedKeyAsync(10);
        var hold = await HoldAsync((key, 4));
        Assert.That((await RestockAsync(hold)).Hold!.Status, Is.EqualTo(HoldStatus.Cancelled));
        Assert.That(await PoolAsync(key), Is.EqualTo((10, 0, 3)));
        var late = Request((key, 4));
        Assert.That((await RestockAsync(late.HoldId)).Outcome, Is.EqualTo(HoldOutcome.Unchanged));
        Assert.That((await ReserveAsync(late)).Outcome, Is.EqualTo(HoldOutcome.Released));
    }

    [Test, Description("V11: two updates of version 5: one row, then none")]
    public async Task TakeVersion_TwiceFromVersionFive_TakesOnce()
    {
        var key = await StockedKeyAsync(6);
        for (var delivery = 0; delivery < 4; delivery++)
            await ReceiveAsync(key, 1);
        var pool = new PoolState(key, 10, 0, 5);
        var rows = await Db.InTransactionAsync(
            async tx =>
            {
                var batch = new DbBatch(tx);
                var first = OptimisticPath.AddTake(batch, pool, 1, Clock.GetUtcNow());
                var second = OptimisticPath.AddTake(batch, pool, 1, Clock.GetUtcNow());
                await batch.RunAsync();
                return (first.Count, second.Count);
            },
            default
        );
        Assert.That(rows, Is.EqualTo((1, 0)));
        Assert.That(await PoolAsync(key), Is.EqualTo((9, 1, 6)));
    }

    [Test, Description("INV-15: the log is append-only")]
    public async Task Movement_Changed_IsRefused(
        [Values("update movement set available_delta = 0", "delete from movement", "truncate movement")]
            string sql
    )
    {
        await StockedKeyAsync(1);
        Assert.That(() => Db.ExecuteAsync(sql, [], default), Throws.TypeOf<PostgresException>());
    }

    [Test, Description("INV-15: the audit finds what was written past the engine")]
    public async Task Audit_PoolWrittenByHand_NamesThePlace()
    {
        var key = await StockedKeyAsync(3, "elsewhere");
        await Db.ExecuteAsync("update pool set available = 4 where item = $1", [key.Item], default);
        Assert.That(await HoldEngine.AuditAsync(Db, key.Item, default), Is.EqualTo(["elsewhere"]));
    }
}
