using FsCheck;
using FsCheck.Fluent;
using Souk.Shared;
using Souk.Shared.Holds;

namespace Souk.Tests.Shared.Holds;

/// <summary>Random interleavings: step by step against a model, and all at once against the laws.</summary>
[TestFixture(HoldPath.Pessimistic)]
[TestFixture(HoldPath.Optimistic)]
internal sealed class HoldPropertyTests : HoldsFixture
{
    private const int Keys = 3;
    private const int Holds = 6;
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(10);

    private static readonly Gen<Step> OneStep =
        from kind in Gen.Choose(0, 12)
        from hold in Gen.Choose(0, Holds - 1)
        from key in Gen.Choose(0, Keys - 1)
        from quantity in Gen.Choose(1, 6)
        from secondKey in Gen.Choose(0, Keys - 1)
        from secondQuantity in Gen.Choose(0, 4)
        select new Step(KindOf(kind), hold, key, quantity, secondKey, secondQuantity);

    public HoldPropertyTests(HoldPath path) => Engine = new HoldEngine(path);

    [Test, Description("INV-15, K10, K11, K33: any sequence does what the model does")]
    public void AnySequence_ComparedWithTheModel_IsTheSame() =>
        Prop.ForAll(Arb.From(OneStep.ListOf(30), Shorter), steps => Wait(FollowsModelAsync([.. steps])))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    [
        Test,
        Description("INV-04, INV-15, K10: any interleaving conserves the total and credits each hold once")
    ]
    public void AnyInterleaving_InParallel_KeepsTheLaws() =>
        Prop.ForAll(Arb.From(OneStep.ListOf(120)), steps => Wait(KeepsLawsAsync([.. steps])))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(12));

    private static StepKind KindOf(int number) =>
        number < 5 ? StepKind.Reserve : (StepKind)((number - 5) % 6 + 1);

    private static IEnumerable<List<Step>> Shorter(List<Step> steps) =>
        steps.Select((_, index) => steps.Where((_, other) => other != index).ToList());

    private static bool Wait(Task work)
    {
        work.GetAwaiter().GetResult();
        return true;
    }

    private async Task FollowsModelAsync(IReadOnlyList<Step> steps)
    {
        // Holds of the run before must not expire during this one.
        Clock.Advance(Ttl);
        await ExpireAsync();
        var world = new World(this);
        var model = new HoldModel(Keys, Ttl);
        foreach (var step in steps)
        {
            var now = Clock.GetUtcNow();
            HoldOutcome? expected = step.Kind switch
            {
                StepKind.Reserve => model.Reserve(step, now),
                StepKind.Complete => model.Complete(step.Hold, now),
                StepKind.Release => model.Release(step.Hold),
                StepKind.Restock => model.Restock(step.Hold),
                _ => null,
            };
            if (step.Kind == StepKind.Receive)
                model.Receive(step.Key, step.Quantity);
            else if (step.Kind == StepKind.Expire)
                model.Expire(now);
            Assert.That(await world.DoAsync(step), Is.EqualTo(expected), step.ToString());
            for (var key = 0; key < Keys; key++)
            {
                Assert.That(
                    await PoolAsync(world.Keys[key]),
                    Is.EqualTo((model.Available[key], model.Reserved[key], model.Version[key])),
                    $"key {key} after {step}"
                );
            }
        }
        await AssertAuditAsync(world.Keys);
    }

    private async Task KeepsLawsAsync(IReadOnlyList<Step> steps)
    {
        var world = new World(this);
        foreach (var key in world.Keys)
            await ReceiveAsync(key, 20);
        await Parallel.ForEachAsync(
            steps,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (step, _) => await world.DoAsync(step)
        );
        Clock.Advance(Ttl);
        await ExpireAsync();
        AssertNoDeadlocks();
        await AssertAuditAsync(world.Keys);
        foreach (var key in world.Keys)
        {
            var (available, reserved, _) = await PoolAsync(key);
            var received = await Db.ScalarAsync<long>(ReceivedSql, [key.Item], default);
            var sold = await Db.ScalarAsync<long>(SoldSql, [key.Item], default);
            Assert.That(reserved, Is.Zero, "every hold has ended");
            Assert.That(available, Is.EqualTo(received - sold), "nothing appears or disappears");
        }
        var odd = await Db.ListAsync(OddHoldsSql, [world.HoldIds], row => row.GetGuid(0), default);
        Assert.That(odd, Is.Empty, "a part is reserved once, leaves once, and comes back at most once");
    }

    private const string ReceivedSql = """
        select sum(available_delta)::bigint from movement where item = $1 and kind = 'received'
        """;

    private const string SoldSql = """
        select coalesce(sum(quantity), 0)::bigint from hold_part where item = $1 and status = 'completed'
        """;

    private const string OddHoldsSql = """
        select r.hold_id
          from hold_part r
          join hold h on h.hold_id = r.hold_id
          join movement m on m.item = r.item and m.place = r.place and m.reference = r.hold_id::text
         where r.hold_id = any($1)
         group by r.reservation_id, r.hold_id, r.status, h.status
        having r.status <> h.status
            or count(*) filter (where m.kind = 'reserved') <> 1
            or count(*) filter (where m.kind in ('completed', 'released', 'expired')) <> 1
            or count(*) filter (where m.kind = 'restocked') <> (r.status = 'restocked')::int
        """;

    /// <summary>Fresh keys and hold ids for one run.</summary>
    private sealed class World
    {
        private readonly HoldPropertyTests _tests;

        internal World(HoldPropertyTests tests)
        {
            _tests = tests;
            Keys = [.. Enumerable.Range(0, HoldPropertyTests.Keys).Select(_ => NewKey())];
            HoldIds = [.. Enumerable.Range(0, Holds).Select(_ => Ids.New(tests.Clock))];
        }

        internal PoolKey[] Keys { get; }

        internal Guid[] HoldIds { get; }

        internal async Task<HoldOutcome?> DoAsync(Step step)
        {
            var hold = HoldIds[step.Hold];
            switch (step.Kind)
            {
                case StepKind.Reserve:
                    var lines = step.Lines.Select(line => new HoldLine(Keys[line.Key], line.Quantity));
                    return (
                        await _tests.ReserveAsync(new HoldRequest(hold, "user", "order", [.. lines], Ttl))
                    ).Outcome;
                case StepKind.Complete:
                    return (await _tests.CompleteAsync(hold)).Outcome;
                case StepKind.Release:
                    return (await _tests.ReleaseAsync(hold)).Outcome;
                case StepKind.Restock:
                    return (await _tests.RestockAsync(hold)).Outcome;
                case StepKind.Receive:
                    await _tests.ReceiveAsync(Keys[step.Key], step.Quantity);
                    return null;
                case StepKind.Wait:
                    _tests.Clock.Advance(TimeSpan.FromMinutes(step.Quantity));
                    return null;
                default:
                    await _tests.ExpireAsync();
                    return null;
            }
        }
    }
}
