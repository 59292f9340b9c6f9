using Souk.Shared.Holds;

namespace Souk.Tests.Shared.Holds;

/// <summary>
/// One suite for every path (INV-06, INV-07, X-20, X-21): they may differ in speed, never in outcome.
/// </summary>
[TestFixture(HoldPath.Pessimistic, true)]
[TestFixture(HoldPath.Optimistic, true)]
[TestFixture(HoldPath.Leased, true)]
[TestFixture(HoldPath.Leased, false, Description = "every lease is lost at once: versions decide alone")]
internal sealed class ReserveTests : HoldsFixture
{
    public ReserveTests(HoldPath path, bool leasesHold) =>
        Engine = new HoldEngine(path, new ProcessLeases(leasesHold));

    [Test, Description("INV-03")]
    public async Task Reserve_EnoughLeft_MovesUnitsFromAvailableToReserved()
    {
        var key = await StockedKeyAsync(10);
        var request = Request((key, 4));
        var result = await ReserveAsync(request);
        Assert.Multiple(() =>
        {
            Assert.That(result.Outcome, Is.EqualTo(HoldOutcome.Done));
            Assert.That(result.Hold!.Status, Is.EqualTo(HoldStatus.Active));
            Assert.That(result.Hold.ExpiresAt, Is.EqualTo(Clock.GetUtcNow().AddMinutes(10)));
            Assert.That(result.Hold.Parts.Select(part => (part.Key, part.Quantity)), Is.EqualTo([(key, 4L)]));
            Assert.That(result.Changes, Is.EqualTo([new PoolChange(new PoolState(key, 6, 4, 2), -4)]));
        });
        Assert.That(await PoolAsync(key), Is.EqualTo((6, 4, 2)));
        var found = await HoldEngine.FindAsync(Db, request.HoldId, default);
        Assert.That(found!.Parts, Is.EqualTo(result.Hold!.Parts));
        await AssertAuditAsync(key);
    }

    [Test, Description("INV-03, INV-06: missing")]
    public async Task Reserve_NoSuchPool_ChangesNothing()
    {
        var known = await StockedKeyAsync(10);
        var unknown = NewKey();
        var request = Request((known, 1), (unknown, 1));
        var result = await ReserveAsync(request);
        Assert.That(result.Outcome, Is.EqualTo(HoldOutcome.Missing));
        Assert.That(result.Shortage, Is.EqualTo(new HoldShortage(unknown, 0)));
        Assert.That(await PoolAsync(known), Is.EqualTo((10, 0, 1)));
        Assert.That(await HoldEngine.FindAsync(Db, request.HoldId, default), Is.Null);
    }

    [Test, Description("INV-05, INV-06: short")]
    public async Task Reserve_OneLineShort_HoldsNothing()
    {
        var plenty = await StockedKeyAsync(10);
        var scarce = await StockedKeyAsync(2);
        var request = Request((plenty, 5), (scarce, 3));
        var result = await ReserveAsync(request);
        Assert.That(result.Outcome, Is.EqualTo(HoldOutcome.Short));
        Assert.That(result.Shortage, Is.EqualTo(new HoldShortage(scarce, 2)));
        Assert.That(await PoolAsync(plenty), Is.EqualTo((10, 0, 1)));
        Assert.That(await PoolAsync(scarce), Is.EqualTo((2, 0, 1)));
        Assert.That(await HoldEngine.FindAsync(Db, request.HoldId, default), Is.Null, "the id is free again");
    }

    [Test, Description("INV-05")]
    public async Task Reserve_TwoLinesOnOneKey_AreSummedBeforeTheCheck()
    {
        var key = await StockedKeyAsync(5);
        Assert.That((await ReserveAsync(Request((key, 3), (key, 3)))).Outcome, Is.EqualTo(HoldOutcome.Short));
        var result = await ReserveAsync(Request((key, 2), (key, 3)));
        Assert.That(result.Hold!.Parts.Select(part => part.Quantity), Is.EqualTo([5L]));
        Assert.That(await PoolAsync(key), Is.EqualTo((0, 5, 2)));
    }

    [Test, Description("X-09")]
    public async Task Reserve_SameHoldAgain_IsUnchanged()
    {
        var key = await StockedKeyAsync(10);
        var request = Request((key, 1), (key, 3));
        var first = await ReserveAsync(request);
        var again = await ReserveAsync(request with { Lines = [new HoldLine(key, 4)] });
        Assert.That(again.Outcome, Is.EqualTo(HoldOutcome.Unchanged));
        Assert.That(again.Hold!.Parts, Is.EqualTo(first.Hold!.Parts));
        Assert.That(await PoolAsync(key), Is.EqualTo((6, 4, 2)));
    }

    [Test, Description("X-09")]
    public async Task Reserve_SameHoldOtherContent_IsAMismatch()
    {
        var key = await StockedKeyAsync(10);
        var request = Request((key, 4));
        await ReserveAsync(request);
        foreach (
            var other in new[]
            {
                request with
                {
                    Lines = [new HoldLine(key, 5)],
                },
                request with
                {
                    Owner = "somebody else",
                },
                request with
                {
                    Reference = "another order",
                },
            }
        )
            Assert.That((await ReserveAsync(other)).Outcome, Is.EqualTo(HoldOutcome.Mismatch));
        Assert.That(await PoolAsync(key), Is.EqualTo((6, 4, 2)));
    }

    [Test, Description("X-09: fifty at once")]
    public async Task Reserve_SameHoldInParallel_HoldsOnce()
    {
        var key = await StockedKeyAsync(100);
        var request = Request((key, 2));
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ReserveAsync(request)));
        Assert.That(results.Count(result => result.Outcome == HoldOutcome.Done), Is.EqualTo(1));
        Assert.That(results.Count(result => result.Outcome == HoldOutcome.Unchanged), Is.EqualTo(49));
        Assert.That(await PoolAsync(key), Is.EqualTo((98, 2, 2)));
    }

    [Test, Description("INV-04, V5: one left, ten buyers")]
    public async Task Reserve_OneLeftTenBuyers_ExactlyOneSucceeds()
    {
        var key = await StockedKeyAsync(1);
        var results = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(_ => ReserveAsync(Request((key, 1))))
        );
        Assert.That(results.Count(result => result.Outcome == HoldOutcome.Done), Is.EqualTo(1));
        Assert.That(results.Count(result => result.Outcome == HoldOutcome.Short), Is.EqualTo(9));
        Assert.That(await PoolAsync(key), Is.EqualTo((0, 1, 2)));
        await AssertAuditAsync(key);
    }

    [
        Test,
        Description("INV-04: a hundred buyers, ten units; a lost race is tried again, as the caller is told")
    ]
    public async Task Reserve_TenLeftHundredBuyers_ExactlyTenSucceed()
    {
        var key = await StockedKeyAsync(10);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => BuyAsync(key)));
        Assert.That(outcomes.Count(outcome => outcome == HoldOutcome.Done), Is.EqualTo(10));
        Assert.That(outcomes.Count(outcome => outcome == HoldOutcome.Short), Is.EqualTo(90));
        Assert.That(await PoolAsync(key), Is.EqualTo((0, 10, 11)));
        await AssertAuditAsync(key);
    }

    [Test, Description("INV-05: lines in either order")]
    public async Task Reserve_ManyWithReversedLines_NeverDeadlock()
    {
        var (a, b, c) = (await StockedKeyAsync(500), await StockedKeyAsync(500), await StockedKeyAsync(500));
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 90)
                .Select(n =>
                    (n % 3) switch
                    {
                        0 => BuyAsync(a, b, c),
                        1 => BuyAsync(c, b, a),
                        _ => BuyAsync(b, a),
                    }
                )
        );
        Assert.That(outcomes, Is.All.EqualTo(HoldOutcome.Done));
        Assert.That((await PoolAsync(a)).Reserved, Is.EqualTo(90));
        Assert.That((await PoolAsync(c)).Reserved, Is.EqualTo(60));
        AssertNoDeadlocks();
        await AssertAuditAsync(a, b, c);
    }

    [Test, Description("X-14: the hold is part of the caller's transaction")]
    public async Task Reserve_CallerRollsBack_LeavesNothing()
    {
        var key = await StockedKeyAsync(3);
        var request = Request((key, 2));
        Assert.That(
            () => Engine.ReserveAsync(Db, request, (_, _) => throw new InvalidOperationException(), default),
            Throws.InvalidOperationException
        );
        Assert.That(await PoolAsync(key), Is.EqualTo((3, 0, 1)));
        Assert.That((await ReserveAsync(request)).Outcome, Is.EqualTo(HoldOutcome.Done));
    }

    private async Task<HoldOutcome> BuyAsync(params PoolKey[] keys)
    {
        var request = Request([.. keys.Select(key => (key, 1L))]);
        while (true)
        {
            var result = await ReserveAsync(request);
            if (result.Outcome != HoldOutcome.Conflict)
                return result.Outcome;
        }
    }
}
