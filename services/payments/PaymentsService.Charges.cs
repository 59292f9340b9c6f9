using Grpc.Core;
using Souk.Payments.V1;

namespace Souk.Payments;

internal sealed partial class PaymentsService
{
    /// <inheritdoc />
    public override async Task<Payment> AuthorizePayment(
        AuthorizePaymentRequest request,
        ServerCallContext context
    )
    {
        var checkoutId = CheckoutId(request.CheckoutId);
        var amount = Money.FromProto(request.Amount, "amount");
        if (amount.Minor <= 0)
            throw Fault.InvalidArgument("amount", "must be above zero");
        if (request.PaymentMethod is not ("card" or "cod"))
            throw Fault.InvalidArgument("payment_method", "must be card or cod");
        if (request.PaymentMethod == "card" && request.Token.Length == 0)
            throw Fault.InvalidArgument("token", "is required for a card");
        RefuseCardNumber(request.Token, "token");

        var opened = await book.OpenAsync(
            request,
            checkoutId,
            amount,
            calls.Gateway,
            context.CancellationToken
        );
        if (opened is not null)
            return (
                opened.Method == "cod"
                    ? opened
                    : await calls.AuthorizeAsync(opened, context.CancellationToken)
            ).ToProto();

        var known =
            await book.FindAsync(checkoutId, context.CancellationToken)
            ?? throw new InvalidOperationException("The payment that blocked the insert is gone.");
        var isSame =
            known.Amount == amount
            && known.Method == request.PaymentMethod
            && known.OrderId == request.OrderId;
        // A checkout that was cancelled before it was paid has a payment of nothing, whatever is asked now.
        if (!isSame && known.OrderId.Length > 0)
            throw Fault.Aborted(
                Type.Reason.IdempotencyMismatch,
                "The checkout was paid with another amount or method before."
            );
        return (known.IsOpen ? await ResumeAsync(known, context.CancellationToken) : known).ToProto();
    }

    /// <summary>Goes on with a payment whose first call was cut off, is waiting for its buyer, or lost its
    /// answer.</summary>
    private async Task<PaymentRow> ResumeAsync(PaymentRow known, CancellationToken cancellationToken)
    {
        var leased = await book.LeaseAsync(known.Id, cancellationToken);
        if (!leased.IsOpen)
        {
            await book.ReleaseAsync(leased, retries: 0, cancellationToken);
            return leased;
        }

        var found = await calls.LookUpAsync(leased, cancellationToken);
        // Still processing after a look-up: the provider never heard of it, so asking is the first time.
        return found.Status == PaymentStatus.Processing
            ? await calls.AuthorizeAsync(
                await book.LeaseAsync(found.Id, cancellationToken),
                cancellationToken
            )
            : found;
    }

    /// <inheritdoc />
    public override async Task<Payment> CapturePayment(
        CapturePaymentRequest request,
        ServerCallContext context
    )
    {
        var known = await KnownAsync(request.CheckoutId, context);
        if (known.Status is PaymentStatus.Completed or PaymentStatus.PendingCod)
            return known.ToProto();
        if (known.IsOpen)
            known = await ResumeAsync(known, context.CancellationToken);
        if (known.Status == PaymentStatus.Unknown)
            throw ProviderCalls.Unknown();
        if (known.Status != PaymentStatus.Authorized)
            return known.Status == PaymentStatus.Completed
                ? known.ToProto()
                : throw BadState(known, "captured");

        var captured = await calls.CaptureAsync(
            await book.LeaseAsync(known.Id, context.CancellationToken),
            context.CancellationToken
        );
        return captured.Status switch
        {
            PaymentStatus.Completed => captured.ToProto(),
            PaymentStatus.Authorized or PaymentStatus.Unknown => throw ProviderCalls.Unknown(),
            _ => throw BadState(captured, "captured"),
        };
    }

    /// <inheritdoc />
    public override async Task<Payment> CancelPayment(CancelPaymentRequest request, ServerCallContext context)
    {
        var checkoutId = CheckoutId(request.CheckoutId);
        RefuseCardNumber(request.Reason, "reason");
        var known =
            await book.FindAsync(checkoutId, context.CancellationToken)
            ?? await book.CloseUnopenedAsync(checkoutId, context.CancellationToken)
            ?? await KnownAsync(request.CheckoutId, context);
        switch (known.Status)
        {
            case PaymentStatus.Failed or PaymentStatus.Refunded:
                return known.ToProto();
            case PaymentStatus.Completed:
                return (
                    await refunds.RefundRestAsync(known, request.Reason, context.CancellationToken)
                ).ToProto();
            default:
                return await VoidAsync(known, request.Reason, context.CancellationToken);
        }
    }

    private async Task<Payment> VoidAsync(
        PaymentRow known,
        string reason,
        CancellationToken cancellationToken
    )
    {
        var leased = await book.LeaseAsync(known.Id, cancellationToken);
        var voided =
            leased.Status == PaymentStatus.PendingCod
                ? await book.SettleAsync(
                    leased,
                    new Providers.ProviderCharge(Providers.ChargeState.Cancelled, ""),
                    retries: 0,
                    cancellationToken
                )
            : leased.IsOpen || leased.Status == PaymentStatus.Authorized
                ? await calls.VoidAsync(leased, cancellationToken)
            : await ReleasedAsync(leased, cancellationToken);
        return voided.Status switch
        {
            PaymentStatus.Failed or PaymentStatus.Refunded => voided.ToProto(),
            // It was captured in between: then the money goes back.
            PaymentStatus.Completed => (
                await refunds.RefundRestAsync(voided, reason, cancellationToken)
            ).ToProto(),
            _ => throw ProviderCalls.Unknown(),
        };
    }

    private async Task<PaymentRow> ReleasedAsync(PaymentRow leased, CancellationToken cancellationToken)
    {
        await book.ReleaseAsync(leased, retries: 0, cancellationToken);
        return leased;
    }

    /// <inheritdoc />
    public override async Task<Payment> CollectPayment(
        CollectPaymentRequest request,
        ServerCallContext context
    )
    {
        var known = await KnownAsync(request.CheckoutId, context);
        if (known.Status == PaymentStatus.Completed)
            return known.ToProto();
        if (known.Status != PaymentStatus.PendingCod)
            throw BadState(known, "collected");
        return (await book.SettleCashAsync(known, context.CancellationToken)).ToProto();
    }

    private async Task<PaymentRow> KnownAsync(string checkoutId, ServerCallContext context) =>
        await book.FindAsync(CheckoutId(checkoutId), context.CancellationToken)
        ?? throw Fault.NotFound("payment of checkout", checkoutId);
}
