using Souk.Shared.Holds;

namespace Souk.Inventory;

/// <summary>What inventory is told from outside, beside what every service is.</summary>
internal sealed record InventorySettings
{
    /// <summary>How reservations deal with rivals.</summary>
    public HoldPath HoldPath { get; init; } = HoldPath.Pessimistic;

    internal static InventorySettings FromEnvironment() =>
        new()
        {
            HoldPath = Enum.TryParse<HoldPath>(Env.Text("SOUK_HOLD_PATH", "pessimistic"), true, out var path)
                ? path
                : throw new InvalidOperationException(
                    "SOUK_HOLD_PATH must be pessimistic, optimistic or leased."
                ),
        };
}
