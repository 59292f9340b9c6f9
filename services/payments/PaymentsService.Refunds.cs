using Grpc.Core;
using Souk.Payments.V1;

namespace Souk.Payments;

internal sealed partial class PaymentsService
{
    /// <inheritdoc />
    public override async Task<Payment> RefundPayment(RefundPaymentRequest request, ServerCallContext context)
    {
        var id = Ids.Parse(PaymentRow.Prefix, request.PaymentId);
        if (!Guid.TryParse(request.RequestId, out var requestId))
            throw Fault.InvalidArgument("request_id", "must be a UUID");
        RefuseCardNumber(request.Reason, "reason");
        var payment =
            await db.OneAsync(GetPaymentSql, [id], PaymentRow.Read, context.CancellationToken)
            ?? throw Fault.NotFound("payment", request.PaymentId);
        Money? amount = request.Amount is null
            ? null
            : Money.FromProto(request.Amount, "amount", payment.Amount.Currency);
        if (amount is { Minor: <= 0 })
            throw Fault.InvalidArgument("amount", "must be above zero");
        return (
            await refunds.RefundAsync(payment, requestId, amount, request.Reason, context.CancellationToken)
        ).ToProto();
    }
}
