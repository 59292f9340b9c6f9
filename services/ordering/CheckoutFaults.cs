using Grpc.Core;

namespace Souk.Ordering;

/// <summary>Which errors of other services end a step, and what the buyer reads then.</summary>
internal static class CheckoutFaults
{
    /// <summary>How long a step waits for a service of the mesh.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a step waits for payments, which may be waiting for a slow provider.</summary>
    public static readonly TimeSpan ProviderTimeout = TimeSpan.FromSeconds(20);

    /// <summary>The buyer cancelled while the checkout was under way.</summary>
    public static readonly StepResult Cancelled = StepResult.Failed(
        Reasons.OrderCancelled,
        "The order was cancelled."
    );

    /// <summary>
    /// Whether a repeat would get the same answer. Everything else (a service that is down or slow, a lost
    /// race, a token that ended, a fault of ours) is worth trying again: nobody may decide that a checkout
    /// failed because a process did. </summary>
    public static bool IsFinal(RpcException fault) =>
        fault.StatusCode switch
        {
            StatusCode.InvalidArgument
            or StatusCode.NotFound
            or StatusCode.AlreadyExists
            or StatusCode.FailedPrecondition
            or StatusCode.OutOfRange => true,
            StatusCode.Aborted => Fault.Is(fault, Inventory.V1.Reason.OutOfStock)
                || Fault.Is(fault, Type.Reason.IdempotencyMismatch),
            _ => false,
        };

    /// <summary>The failure that the buyer reads, with the facts of the error behind it.</summary>
    public static StepResult Failed(RpcException fault, string reason, string message) =>
        StepResult.Failed(reason, message, Fault.InfoOf(fault)?.Metadata);
}

/// <summary>Why an order failed: names of values of souk.ordering.v1.Reason, but for the cancelled one, which
/// no buyer gets to read.</summary>
internal static class Reasons
{
    public const string OrderCancelled = "ORDER_CANCELLED";
    public const string PaymentActionTimeout = "PAYMENT_ACTION_TIMEOUT";
    public const string OutOfStock = "OUT_OF_STOCK";
    public const string PaymentDeclined = "PAYMENT_DECLINED";
    public const string InsufficientFunds = "INSUFFICIENT_FUNDS";
    public const string CheckoutTimeout = "CHECKOUT_TIMEOUT";
}
