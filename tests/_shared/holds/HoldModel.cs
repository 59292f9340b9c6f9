using Souk.Shared.Holds;

namespace Souk.Tests.Shared.Holds;

/// <summary>What can happen to a hold or a key.</summary>
internal enum StepKind
{
    Reserve,
    Complete,
    Release,
    Restock,
    Receive,
    Wait,
    Expire,
}

/// <summary>
/// One step of an interleaving; the numbers pick from a handful of holds and keys so that they meet often.
/// </summary>
internal sealed record Step(StepKind Kind, int Hold, int Key, int Quantity, int SecondKey, int SecondQuantity)
{
    public override string ToString() => $"{Kind}(h{Hold} k{Key}x{Quantity} k{SecondKey}x{SecondQuantity})";

    /// <summary>The lines that a reservation of this step has; none for a quantity of 0.</summary>
    internal IEnumerable<(int Key, long Quantity)> Lines =>
        SecondQuantity > 0 ? [(Key, Quantity), (SecondKey, SecondQuantity)] : [(Key, Quantity)];
}

/// <summary>The engine's rules in a few lines of memory, to compare the real one with.</summary>
internal sealed class HoldModel(int keys, TimeSpan ttl)
{
    private readonly Dictionary<int, Held> _holds = [];

    internal long[] Available { get; } = new long[keys];

    internal long[] Reserved { get; } = new long[keys];

    internal long[] Version { get; } = new long[keys];

    internal HoldOutcome Reserve(Step step, DateTimeOffset now)
    {
        var wanted = step
            .Lines.GroupBy(line => line.Key, line => line.Quantity)
            .ToDictionary(group => group.Key, group => group.Sum());
        if (_holds.TryGetValue(step.Hold, out var held))
        {
            if (held.Status == HoldStatus.Cancelled)
                return HoldOutcome.Released;
            return held.Units.Count == wanted.Count && !held.Units.Except(wanted).Any()
                ? HoldOutcome.Unchanged
                : HoldOutcome.Mismatch;
        }
        foreach (var (key, quantity) in wanted.OrderBy(line => line.Key))
        {
            if (Version[key] == 0)
                return HoldOutcome.Missing;
            if (Available[key] < quantity)
                return HoldOutcome.Short;
        }
        _holds[step.Hold] = new Held(wanted, now + ttl);
        Move(wanted, -1, 1);
        return HoldOutcome.Done;
    }

    internal HoldOutcome Complete(int hold, DateTimeOffset now)
    {
        if (!_holds.TryGetValue(hold, out var held))
            return HoldOutcome.Unknown;
        switch (held.Status)
        {
            case HoldStatus.Active when held.ExpiresAt > now:
                held.Status = HoldStatus.Completed;
                Move(held.Units, 0, -1);
                return HoldOutcome.Done;
            case HoldStatus.Completed:
                return HoldOutcome.Unchanged;
            case HoldStatus.Active or HoldStatus.Expired:
                return HoldOutcome.Expired;
            default:
                return HoldOutcome.Released;
        }
    }

    internal HoldOutcome Release(int hold)
    {
        var held = FindOrBury(hold);
        if (held.Status == HoldStatus.Completed)
            return HoldOutcome.Completed;
        if (held.Status != HoldStatus.Active)
            return HoldOutcome.Unchanged;
        held.Status = HoldStatus.Cancelled;
        Move(held.Units, 1, -1);
        return HoldOutcome.Done;
    }

    internal HoldOutcome Restock(int hold)
    {
        var held = FindOrBury(hold);
        if (held.Status != HoldStatus.Completed)
            return Release(hold);
        held.Status = HoldStatus.Restocked;
        Move(held.Units, 1, 0);
        return HoldOutcome.Done;
    }

    internal void Receive(int key, long quantity) => Move(new() { [key] = quantity }, 1, 0);

    internal void Expire(DateTimeOffset now)
    {
        foreach (var held in _holds.Values)
        {
            if (held.Status != HoldStatus.Active || held.ExpiresAt > now)
                continue;
            held.Status = HoldStatus.Expired;
            Move(held.Units, 1, -1);
        }
    }

    private Held FindOrBury(int hold)
    {
        if (!_holds.TryGetValue(hold, out var held))
            _holds[hold] = held = new Held([], default) { Status = HoldStatus.Cancelled };
        return held;
    }

    private void Move(Dictionary<int, long> units, int availablePerUnit, int reservedPerUnit)
    {
        foreach (var (key, quantity) in units)
        {
            Available[key] += availablePerUnit * quantity;
            Reserved[key] += reservedPerUnit * quantity;
            Version[key]++;
        }
    }

    private sealed class Held(Dictionary<int, long> units, DateTimeOffset expiresAt)
    {
        internal Dictionary<int, long> Units => units;

        internal DateTimeOffset ExpiresAt => expiresAt;

        internal HoldStatus Status { get; set; } = HoldStatus.Active;
    }
}
