namespace Souk.Ordering;

/// <summary>What a checkout works on; small, because every turn of the workflow carries it again.</summary>
/// <param name="OrderId">The order's UUID, which is the workflow's instance id, the hold's and the payment's
/// key too.</param>
/// <param name="GraceSeconds">How long the buyer may still cancel before anything is taken; 0 for not at
/// all.</param>
internal sealed record CheckoutInput(Guid OrderId, int GraceSeconds);

/// <summary>How a step ended. A step that may still succeed does not end: it throws and is tried
/// again.</summary>
/// <param name="Failure">Why it can never succeed, or null when it has.</param>
/// <param name="Waits">Whether it waits for somebody outside, as a 3-D Secure challenge does.</param>
/// <param name="PaymentId">The payment, once there is one.</param>
internal sealed record StepResult(StepFailure? Failure = null, bool Waits = false, string PaymentId = "")
{
    public static readonly StepResult Done = new();

    public static StepResult Failed(
        string reason,
        string message,
        IReadOnlyDictionary<string, string>? metadata = null
    ) => new(new StepFailure(reason, message, metadata ?? new Dictionary<string, string>()));
}

/// <summary>A failure that the buyer gets to read.</summary>
/// <param name="Reason">A value's name in souk.ordering.v1.Reason.</param>
/// <param name="Message">A sentence for the buyer.</param>
/// <param name="Metadata">What a program needs to react, such as the SKU.</param>
internal sealed record StepFailure(
    string Reason,
    string Message,
    IReadOnlyDictionary<string, string> Metadata
);

/// <summary>An order that is paid, or to be paid on delivery.</summary>
internal sealed record ConfirmOrderInput(Guid OrderId, string PaymentId);

/// <summary>An order that ends without a sale, and why.</summary>
internal sealed record FailOrderInput(Guid OrderId, StepFailure Failure);

/// <summary>How a checkout ended.</summary>
/// <param name="Status">"confirmed", "failed" or "cancelled".</param>
/// <param name="Failure">Why it failed.</param>
internal sealed record CheckoutResult(string Status, StepFailure? Failure = null);
