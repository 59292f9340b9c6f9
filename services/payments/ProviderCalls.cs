using Microsoft.Extensions.Logging;
using Souk.Payments.Providers;
using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>
/// Talks to the provider about a leased payment and settles what came of it (PAY-08): a provider that cannot
/// have heard us is asked again, at most three times; one whose answer was lost is looked up, never asked to
/// charge again blindly. </summary>
internal sealed partial class ProviderCalls(
    IPaymentProvider provider,
    PaymentBook book,
    TimeProvider clock,
    ILogger<ProviderCalls> logger
)
{
    private const int RetriesMax = 3;
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(8);

    /// <summary>The provider's name in payment_gateway.</summary>
    public string Gateway => provider.Name;

    /// <summary>Sets the amount aside.</summary>
    public Task<PaymentRow> AuthorizeAsync(PaymentRow leased, CancellationToken cancellationToken) =>
        RunAsync(leased, provider.AuthorizeAsync, cancellationToken);

    /// <summary>Takes what was set aside.</summary>
    public Task<PaymentRow> CaptureAsync(PaymentRow leased, CancellationToken cancellationToken) =>
        RunAsync(leased, provider.CaptureAsync, cancellationToken);

    /// <summary>Ends a charge that took nothing.</summary>
    public Task<PaymentRow> VoidAsync(PaymentRow leased, CancellationToken cancellationToken) =>
        RunAsync(leased, provider.VoidAsync, cancellationToken);

    /// <summary>Learns how the charge stands.</summary>
    public Task<PaymentRow> LookUpAsync(PaymentRow leased, CancellationToken cancellationToken) =>
        RunAsync(leased, provider.LookUpAsync, cancellationToken);

    /// <summary>Passes the buyer's answer on.</summary>
    public Task<PaymentRow> ConfirmAsync(
        PaymentRow leased,
        bool approved,
        CancellationToken cancellationToken
    ) =>
        RunAsync(
            leased,
            (charge, token) => provider.ConfirmAsync(charge, approved, token),
            cancellationToken
        );

    /// <summary>Gives money back; throws when it is not certain that it went.</summary>
    public async Task RefundAsync(
        PaymentRow payment,
        Money amount,
        string refundKey,
        CancellationToken cancellationToken
    )
    {
        using var timeout = Timeout(cancellationToken);
        try
        {
            await provider.RefundAsync(payment.Charge, amount, refundKey, timeout.Token);
        }
        catch (Exception lost) when (IsSilence(lost, cancellationToken) || lost is ProviderDownException)
        {
            throw Unknown();
        }
    }

    private async Task<PaymentRow> RunAsync(
        PaymentRow leased,
        Func<ChargeOrder, CancellationToken, Task<ProviderCharge>> call,
        CancellationToken cancellationToken
    )
    {
        // What the provider was asked must be settled even when our own caller has gone.
        for (var retries = 0; ; retries++)
        {
            using var timeout = Timeout(CancellationToken.None);
            try
            {
                var charge = await call(leased.Charge, timeout.Token);
                return await book.SettleAsync(leased, charge, retries, CancellationToken.None);
            }
            catch (ProviderDownException down)
                when (retries < RetriesMax && !cancellationToken.IsCancellationRequested)
            {
                LogDown(logger, leased.Id, down.Message);
                await Task.Delay(FirstBackoff * (1 << retries), clock, CancellationToken.None);
            }
            catch (ProviderDownException down)
            {
                await book.ReleaseAsync(leased, retries, CancellationToken.None);
                throw Fault.Unavailable(
                    Type.Reason.DependencyUnavailable,
                    down.Message,
                    TimeSpan.FromSeconds(1)
                );
            }
            catch (ProviderRefusedException refused)
            {
                LogRefused(logger, leased.Id, refused.Code);
                return await SettleRefusedAsync(leased, refused);
            }
            catch (Exception silence) when (IsSilence(silence, CancellationToken.None))
            {
                LogSilent(logger, leased.Id, silence.Message);
                return await AskOnceAsync(leased);
            }
        }
    }

    // An authorisation that is refused was never made; any other refusal is about a charge that can be looked
    // at.
    private async Task<PaymentRow> SettleRefusedAsync(PaymentRow leased, ProviderRefusedException refused)
    {
        var charge =
            leased.TransactionId.Length == 0
                ? new ProviderCharge(ChargeState.Declined, "", DeclineCode: refused.Code)
                : await provider.LookUpAsync(leased.Charge, CancellationToken.None);
        return await book.SettleAsync(leased, charge, retries: 0, CancellationToken.None);
    }

    // Most lost answers are found at the first look; what is not found now, the resolver finds later.
    private async Task<PaymentRow> AskOnceAsync(PaymentRow leased)
    {
        using var timeout = Timeout(CancellationToken.None);
        try
        {
            var charge = await provider.LookUpAsync(leased.Charge, timeout.Token);
            if (charge.State != ChargeState.None)
                return await book.SettleAsync(leased, charge, retries: 0, CancellationToken.None);
        }
        catch (Exception still)
            when (IsSilence(still, CancellationToken.None) || still is ProviderDownException)
        {
            LogSilent(logger, leased.Id, still.Message);
        }

        return await book.SettleUnknownAsync(leased, CancellationToken.None);
    }

    /// <summary>UNAVAILABLE/PAYMENT_UNKNOWN.</summary>
    public static Exception Unknown() =>
        Fault.Unavailable(
            Reason.PaymentUnknown,
            "The provider's answer is not known yet; it is being looked up.",
            TimeSpan.FromSeconds(1)
        );

    private static bool IsSilence(Exception fault, CancellationToken caller) =>
        fault is ProviderSilentException
        || (fault is OperationCanceledException && !caller.IsCancellationRequested);

    private static CancellationTokenSource Timeout(CancellationToken cancellationToken)
    {
        var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(CallTimeout);
        return timeout;
    }

    [LoggerMessage(LogLevel.Warning, "Payment {Payment}: the provider is down: {Reason}")]
    private static partial void LogDown(ILogger logger, Guid payment, string reason);

    [LoggerMessage(LogLevel.Warning, "Payment {Payment}: the provider refused: {Code}")]
    private static partial void LogRefused(ILogger logger, Guid payment, string code);

    [LoggerMessage(LogLevel.Warning, "Payment {Payment}: the provider's answer was lost: {Reason}")]
    private static partial void LogSilent(ILogger logger, Guid payment, string reason);
}
