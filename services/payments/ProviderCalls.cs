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

    // All calls of one turn together: the lease lasts a little longer.
    private static readonly TimeSpan TurnTimeout = PaymentBook.LeaseTime - TimeSpan.FromSeconds(1);

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

    /// <summary>Gives money back; UNAVAILABLE when it is not certain that it went, a <see
    /// cref="ProviderRefusedException"/> when it is certain that it did not.</summary>
    public async Task RefundAsync(
        PaymentRow payment,
        Money amount,
        string refundKey,
        CancellationToken cancellationToken
    )
    {
        using var timeout = Timeout(CallTimeout, cancellationToken);
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
        var start = clock.GetTimestamp();
        // What the provider was asked must be settled even when our own caller has gone.
        for (var retries = 0; ; retries++)
        {
            using var timeout = Timeout(Left(start), CancellationToken.None);
            try
            {
                var charge = await call(leased.Charge, timeout.Token);
                return await book.SettleAsync(leased, charge, retries, CancellationToken.None);
            }
            catch (ProviderDownException down)
                when (retries < RetriesMax
                    && Left(start) == CallTimeout // another one fits
                    && !cancellationToken.IsCancellationRequested
                )
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
                // An authorisation that is refused was never made; any other refusal is about a charge that
                // can be looked at.
                return leased.TransactionId.Length == 0
                    ? await book.SettleAsync(
                        leased,
                        new ProviderCharge(ChargeState.Declined, "", DeclineCode: refused.Code),
                        retries,
                        CancellationToken.None
                    )
                    : await AskOnceAsync(leased, start);
            }
            catch (Exception silence) when (IsSilence(silence, CancellationToken.None))
            {
                LogSilent(logger, leased.Id, silence.Message);
                return await AskOnceAsync(leased, start);
            }
        }
    }

    // Most lost answers are found at the first look; what is not found now, the resolver finds later.
    private async Task<PaymentRow> AskOnceAsync(PaymentRow leased, long start)
    {
        using var timeout = Timeout(Left(start), CancellationToken.None);
        try
        {
            var charge = await provider.LookUpAsync(leased.Charge, timeout.Token);
            if (charge.State != ChargeState.None)
                return await book.SettleAsync(leased, charge, retries: 0, CancellationToken.None);
        }
        catch (Exception still)
            when (IsSilence(still, CancellationToken.None)
                || still is ProviderDownException or ProviderRefusedException
            )
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

    /// <summary>How long the next call of a turn may take.</summary>
    private TimeSpan Left(long start)
    {
        var left = TurnTimeout - clock.GetElapsedTime(start);
        return left >= CallTimeout ? CallTimeout
            : left > TimeSpan.Zero ? left
            : TimeSpan.Zero;
    }

    private static CancellationTokenSource Timeout(TimeSpan most, CancellationToken cancellationToken)
    {
        var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(most);
        return timeout;
    }

    [LoggerMessage(LogLevel.Warning, "Payment {Payment}: the provider is down: {Reason}")]
    private static partial void LogDown(ILogger logger, Guid payment, string reason);

    [LoggerMessage(LogLevel.Warning, "Payment {Payment}: the provider refused: {Code}")]
    private static partial void LogRefused(ILogger logger, Guid payment, string code);

    [LoggerMessage(LogLevel.Warning, "Payment {Payment}: the provider's answer was lost: {Reason}")]
    private static partial void LogSilent(ILogger logger, Guid payment, string reason);
}
