using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Payments.Providers;
using Souk.Payments.V1;

namespace Souk.Payments;

internal sealed partial class PaymentsService
{
    /// <inheritdoc />
    public override async Task<Empty> ReceiveStripeWebhook(
        ReceiveStripeWebhookRequest request,
        ServerCallContext context
    )
    {
        var body = request.Body?.Data ?? Google.Protobuf.ByteString.Empty;
        if (!StripeSignature.Fits(body.Span, request.Signature, settings.StripeWebhookSecret, book.Now))
            throw Fault.InvalidArgument(Reason.BadSignature, "signature", "does not fit the body");
        var (eventId, transactionId) = ReadEvent(body.Memory);
        object[] key = [StripeConsumer, eventId];
        if (await db.ScalarAsync<int>(ReceiveStripeWebhookSeenSql, key, context.CancellationToken) == 1)
            return new Empty();

        var payment = await db.OneAsync(
            ReceiveStripeWebhookSql,
            [transactionId],
            PaymentRow.Read,
            context.CancellationToken
        );
        // The event only says that something happened; what, Stripe is asked. So its order does not matter,
        // and a payment that is settled needs nothing. Stripe repeats an event until we answer, whatever we
        // do before that.
        if (payment is { IsOpen: true })
            await calls.LookUpAsync(
                await book.LeaseAsync(payment.Id, context.CancellationToken),
                context.CancellationToken
            );
        await db.ExecuteAsync(ReceiveStripeWebhookDoneSql, [.. key, book.Now], context.CancellationToken);
        return new Empty();
    }

    private const string StripeConsumer = "stripe";

    private const string ReceiveStripeWebhookSeenSql =
        "select 1 from inbox where consumer = $1 and event_id = $2";

    private const string ReceiveStripeWebhookSql = $"""
        select {PaymentRow.Columns} from payments where gateway_transaction_id = $1 and $1 <> '' limit 1
        """;

    private const string ReceiveStripeWebhookDoneSql = """
        insert into inbox (consumer, event_id, received_at) values ($1, $2, $3) on conflict do nothing
        """;

    private static (string EventId, string TransactionId) ReadEvent(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var subject = json.RootElement.GetProperty("data").GetProperty("object");
            return (
                json.RootElement.GetProperty("id").GetString()
                    ?? throw Fault.InvalidArgument("body", "must be a Stripe event"),
                subject.TryGetProperty("payment_intent", out var intent)
                && intent.ValueKind == JsonValueKind.String
                    ? intent.GetString() ?? ""
                    : subject.GetProperty("id").GetString() ?? ""
            );
        }
        catch (Exception malformed)
            when (malformed is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw Fault.InvalidArgument("body", "must be a Stripe event");
        }
    }
}
