namespace Souk.Payments.Providers;

/// <summary>
/// A company that moves money. Every call names its operation by a key that is the same when it is repeated,
/// and the provider carries an operation out once per key. A call either answers, or throws <see
/// cref="ProviderDownException"/> when the provider cannot have heard it, <see
/// cref="ProviderSilentException"/> when it may have, or <see cref="ProviderRefusedException"/> when it will
/// not. </summary>
internal interface IPaymentProvider
{
    /// <summary>Its name in payment_gateway.</summary>
    string Name { get; }

    /// <summary>Sets the amount aside.</summary>
    Task<ProviderCharge> AuthorizeAsync(ChargeOrder order, CancellationToken cancellationToken);

    /// <summary>Takes an authorised amount, whole.</summary>
    Task<ProviderCharge> CaptureAsync(ChargeOrder order, CancellationToken cancellationToken);

    /// <summary>Ends a charge that took nothing, so that it never will, even when its authorisation is still
    /// on its way.</summary>
    Task<ProviderCharge> VoidAsync(ChargeOrder order, CancellationToken cancellationToken);

    /// <summary>Gives a part of a captured charge back.</summary>
    /// <param name="refundKey">Names the refund; a repeat gives nothing again.</param>
    Task RefundAsync(ChargeOrder order, Money amount, string refundKey, CancellationToken cancellationToken);

    /// <summary>How the charge stands at the provider.</summary>
    Task<ProviderCharge> LookUpAsync(ChargeOrder order, CancellationToken cancellationToken);

    /// <summary>Passes the buyer's answer to a challenge on, where the provider takes it from us.</summary>
    Task<ProviderCharge> ConfirmAsync(ChargeOrder order, bool approved, CancellationToken cancellationToken);
}

/// <summary>A charge as we ask for it.</summary>
/// <param name="Key">The checkout's UUID.</param>
/// <param name="TransactionId">The provider's name for it, once known; else empty.</param>
internal sealed record ChargeOrder(string Key, string TransactionId, Money Amount, string Token);

/// <summary>A charge as the provider has it.</summary>
/// <param name="ActionUrl">Where the buyer goes when the state is NeedsAction.</param>
internal sealed record ProviderCharge(
    ChargeState State,
    string TransactionId,
    string CardBrand = "",
    string CardLast4 = "",
    string DeclineCode = "",
    string ActionUrl = ""
);

/// <summary>States of a charge at a provider.</summary>
internal enum ChargeState
{
    /// <summary>The provider never heard of it.</summary>
    None,

    /// <summary>The buyer has to do something.</summary>
    NeedsAction,

    /// <summary>Set aside.</summary>
    Authorized,

    /// <summary>Taken.</summary>
    Captured,

    /// <summary>Refused for good.</summary>
    Declined,

    /// <summary>Ended before anything was taken.</summary>
    Cancelled,
}

/// <summary>The provider cannot have heard the call, or refused it for the moment: repeating it is
/// safe.</summary>
internal sealed class ProviderDownException(string message, Exception? inner = null)
    : Exception(message, inner);

/// <summary>The provider may have carried the call out, but its answer was lost: look it up.</summary>
internal sealed class ProviderSilentException(string message, Exception? inner = null)
    : Exception(message, inner);

/// <summary>The provider refused the call as it stands; a repeat would be refused too. How the charge stands,
/// a look-up tells.</summary>
internal sealed class ProviderRefusedException(string code)
    : Exception($"The provider refused the call: {code}.")
{
    /// <summary>The provider's own word for why.</summary>
    public string Code => code;
}
