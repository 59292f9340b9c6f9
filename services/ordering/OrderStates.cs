using Souk.Ordering.V1;

namespace Souk.Ordering;

/// <summary>The order's state machine (ORD-03): which status may follow which.</summary>
internal static class OrderStates
{
    private static readonly HashSet<(OrderStatus From, OrderStatus To)> Allowed =
    [
        (OrderStatus.Pending, OrderStatus.Confirmed),
        (OrderStatus.Pending, OrderStatus.Failed),
        (OrderStatus.Pending, OrderStatus.Cancelled),
        (OrderStatus.Confirmed, OrderStatus.Shipped),
        (OrderStatus.Confirmed, OrderStatus.Cancelled),
        (OrderStatus.Shipped, OrderStatus.Delivered),
        (OrderStatus.Delivered, OrderStatus.Returned),
    ];

    /// <summary>Whether an order may go from one status to the other.</summary>
    public static bool Allows(OrderStatus from, OrderStatus to) => Allowed.Contains((from, to));

    /// <summary>The statuses that an order may come from.</summary>
    public static string[] Before(OrderStatus to) =>
        [.. Allowed.Where(pair => pair.To == to).Select(pair => Name(pair.From))];

    /// <summary>Whether no checkout works on the order any more.</summary>
    public static bool IsFinal(OrderStatus status) => status != OrderStatus.Pending;

    /// <summary>The status as columns and REST write it.</summary>
    public static string Name(OrderStatus status) => status.ToString().ToLowerInvariant();

    /// <summary>Reads a status column.</summary>
    public static OrderStatus Parse(string name) => Enum.Parse<OrderStatus>(name, ignoreCase: true);
}
