using Npgsql;
using Souk.Payments.Providers;
using Souk.Payments.V1;

namespace Souk.Payments;

/// <summary>A payment as its row has it.</summary>
internal sealed record PaymentRow(Guid Id, Guid CheckoutId, Money Amount, Money Captured, Money Refunded)
{
    /// <summary>The prefix of a payment's id.</summary>
    public const string Prefix = "pay";

    /// <summary>The columns, in the order that <see cref="Read"/> takes them.</summary>
    public const string Columns = """
        id, checkout_id, amount_minor, captured_minor, refunded_minor, currency, order_id, user_id,
        payment_method, payment_gateway, status, token, gateway_transaction_id, card_last4, card_brand,
        decline_code, next_action_url, retry_count, last_retry_at, created_at, updated_at
        """;

    public required string OrderId { get; init; }
    public required string UserId { get; init; }
    public required string Method { get; init; }
    public required string Gateway { get; init; }
    public required PaymentStatus Status { get; init; }
    public required string Token { get; init; }
    public required string TransactionId { get; init; }
    public required string CardLast4 { get; init; }
    public required string CardBrand { get; init; }
    public required string DeclineCode { get; init; }
    public required string NextActionUrl { get; init; }
    public required int RetryCount { get; init; }
    public required DateTimeOffset? LastRetryAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Whether the provider's answer is still to come, from the buyer or from the wire.</summary>
    public bool IsOpen =>
        Status is PaymentStatus.Pending or PaymentStatus.Processing or PaymentStatus.Unknown;

    /// <summary>The charge as the provider is asked for it.</summary>
    public ChargeOrder Charge => new(CheckoutId.ToString(), TransactionId, Amount, Token);

    public static PaymentRow Read(NpgsqlDataReader row)
    {
        var currency = Currency.Of(row.GetString(5));
        return new PaymentRow(
            row.GetGuid(0),
            row.GetGuid(1),
            new Money(row.GetInt64(2), currency),
            new Money(row.GetInt64(3), currency),
            new Money(row.GetInt64(4), currency)
        )
        {
            OrderId = row.GetString(6),
            UserId = row.GetString(7),
            Method = row.GetString(8),
            Gateway = row.GetString(9),
            Status = StatusOf(row.GetString(10)),
            Token = row.GetString(11),
            TransactionId = row.GetString(12),
            CardLast4 = row.GetString(13),
            CardBrand = row.GetString(14),
            DeclineCode = row.GetString(15),
            NextActionUrl = row.GetString(16),
            RetryCount = row.GetInt32(17),
            LastRetryAt = row.Nullable<DateTimeOffset>(18),
            CreatedAt = row.Instant(19),
            UpdatedAt = row.Instant(20),
        };
    }

    /// <summary>The payment as the contract has it.</summary>
    public Payment ToProto()
    {
        var payment = new Payment
        {
            PaymentId = Ids.Text(Prefix, Id),
            OrderId = OrderId,
            UserId = UserId,
            Amount = Amount.ToProto(),
            RefundedAmount = Refunded.ToProto(),
            PaymentMethod = Method,
            PaymentGateway = Gateway,
            Status = Status,
            TransactionId = TransactionId,
            CardLast4 = CardLast4,
            CardBrand = CardBrand,
            DeclineCode = DeclineCode,
            RetryCount = RetryCount,
            LastRetryAt = LastRetryAt is { } at ? At(at) : null,
            CreatedAt = At(CreatedAt),
            UpdatedAt = At(UpdatedAt),
        };
        if (NextActionUrl.Length > 0 && Status == PaymentStatus.Pending)
            payment.NextAction = new NextAction { Type = "redirect", Url = NextActionUrl };
        return payment;
    }

    /// <summary>A status as its column has it: "pending_cod".</summary>
    public static string Name(PaymentStatus status) =>
        status == PaymentStatus.PendingCod ? "pending_cod" : status.ToString().ToLowerInvariant();

    private static PaymentStatus StatusOf(string name) =>
        name == "pending_cod" ? PaymentStatus.PendingCod : Enum.Parse<PaymentStatus>(name, ignoreCase: true);

    private static Google.Protobuf.WellKnownTypes.Timestamp At(DateTimeOffset at) =>
        Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(at);
}
