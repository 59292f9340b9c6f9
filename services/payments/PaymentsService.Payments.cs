using Grpc.Core;
using Souk.Payments.V1;

namespace Souk.Payments;

internal sealed partial class PaymentsService
{
    /// <inheritdoc />
    public override async Task<Payment> GetPayment(GetPaymentRequest request, ServerCallContext context) =>
        (await VisibleAsync(request.PaymentId, context)).ToProto();

    private const string GetPaymentSql = $"select {PaymentRow.Columns} from payments where id = $1";

    /// <inheritdoc />
    public override async Task<ListPaymentsResponse> ListPayments(
        ListPaymentsRequest request,
        ServerCallContext context
    )
    {
        var caller = Caller.Of(context);
        var owner = caller.IsStaff ? null : caller.UserId;
        var order = request.OrderId.Length == 0 ? null : request.OrderId;
        var page = pages.Open(nameof(ListPayments), request.PageSize, request.PageToken, owner, order);
        var rows = await db.ListAsync(
            ListPaymentsSql,
            [
                owner,
                order,
                page.IsFirst ? DateTimeOffset.MaxValue : page.After<DateTimeOffset>(0),
                page.IsFirst ? Guid.AllBitsSet : page.After<Guid>(1),
                page.Limit,
            ],
            PaymentRow.Read,
            context.CancellationToken
        );
        var response = new ListPaymentsResponse
        {
            NextPageToken = page.Next(rows, row => [row.CreatedAt, row.Id]),
        };
        response.Payments.Add(rows.Select(row => row.ToProto()));
        return response;
    }

    // A checkout that was cancelled before it was paid has a row but no order; nobody asks for it.
    private const string ListPaymentsSql = $"""
        select {PaymentRow.Columns}
          from payments
         where ($1::text is null or user_id = $1) and ($2::text is null or order_id = $2) and order_id <> ''
           and (created_at, id) < ($3, $4)
         order by created_at desc, id desc
         limit $5
        """;

    /// <inheritdoc />
    public override async Task<Payment> ConfirmPayment(
        ConfirmPaymentRequest request,
        ServerCallContext context
    )
    {
        var payment = await VisibleAsync(request.PaymentId, context);
        var approved = request.Outcome switch
        {
            "" or "approve" => true,
            "reject" => false,
            _ => throw Fault.InvalidArgument("outcome", "must be approve or reject"),
        };
        if (payment.Status == PaymentStatus.Pending)
        {
            payment = await book.LeaseAsync(payment.Id, context.CancellationToken);
            if (payment.Status == PaymentStatus.Pending)
                return (await calls.ConfirmAsync(payment, approved, context.CancellationToken)).ToProto();
            await book.ReleaseAsync(payment, retries: 0, context.CancellationToken);
        }

        if (payment.Status == PaymentStatus.Unknown)
            throw ProviderCalls.Unknown();
        // The buyer's app repeats a call whose answer it never got: it is told what came of the first.
        if (payment.Method != "card" || !IsOutcome(payment.Status, approved))
            throw BadState(payment, "confirmed");
        return payment.ToProto();
    }

    /// <summary>Whether a payment ends up so when its buyer approves or rejects it.</summary>
    private static bool IsOutcome(PaymentStatus status, bool approved) =>
        approved
            ? status is PaymentStatus.Authorized or PaymentStatus.Completed or PaymentStatus.Refunded
            : status == PaymentStatus.Failed;

    /// <summary>The payment, when the caller may know of it .</summary>
    private async Task<PaymentRow> VisibleAsync(string paymentId, ServerCallContext context)
    {
        var id = Ids.Parse(PaymentRow.Prefix, paymentId);
        var row = await db.OneAsync(GetPaymentSql, [id], PaymentRow.Read, context.CancellationToken);
        return row is not null && Caller.Of(context).MaySee(row.UserId)
            ? row
            : throw Fault.NotFound("payment", paymentId);
    }
}
