using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Souk.Cart.V1;
using Souk.Ordering.V1;
using Reason = Souk.Ordering.V1.Reason;

namespace Souk.Ordering;

internal sealed partial class OrderingService
{
    private const int WaitSecondsMax = 30;
    private const int QuantityMax = 99;
    private static readonly TimeSpan QuoteTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StockPatience = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    public override async Task<Order> CreateOrder(CreateOrderRequest request, ServerCallContext context)
    {
        var buyer = Caller.Of(context).UserId;
        var requestId = Check(request, buyer);
        var hash = HashOf(request);
        var wait = TimeSpan.FromSeconds(request.WaitSeconds);

        if (await PlacedBeforeAsync(buyer, requestId, hash, context.CancellationToken) is { } placed)
            return await AnswerAsync(placed, wait, isNew: false, context.CancellationToken);

        // The price check comes before the order: a price that changed, or an empty cart, leaves no order
        // behind.
        var quote = await QuoteAsync(request, buyer, context.CancellationToken);
        var orderId = Ids.New(clock);
        var inserted = await db.InTransactionAsync(
            tx => InsertAsync(tx, orderId, buyer, requestId, hash, request, quote),
            context.CancellationToken
        );
        if (inserted)
            return await AnswerAsync(orderId, wait, isNew: true, context.CancellationToken);

        // A parallel call with the same key was quicker; its order is the answer.
        var first =
            await PlacedBeforeAsync(buyer, requestId, hash, context.CancellationToken)
            ?? throw new InvalidOperationException("The order that blocked the insert is gone.");
        return await AnswerAsync(first, wait, isNew: false, context.CancellationToken);
    }

    private static Guid Check(CreateOrderRequest request, string buyer)
    {
        if (!Guid.TryParse(request.RequestId, out var requestId))
            throw Fault.InvalidArgument("request_id", "must be a UUID");
        if (request.UserId.Length > 0 && request.UserId != buyer)
            throw Fault.PermissionDenied(Reason.NotYourAccount, "user_id is not the caller.");
        if (request.WaitSeconds is < 0 or > WaitSecondsMax)
            throw Fault.InvalidArgument("wait_seconds", $"must be 0 to {WaitSecondsMax}");
        Addresses.Check(request.ShippingAddress, "shipping_address");
        if (request.BillingAddress is { } billing)
            Addresses.Check(billing, "billing_address");
        switch (request.PaymentMethod.Type)
        {
            case "card" when request.PaymentMethod.Token.Length == 0:
                throw Fault.InvalidArgument("payment_method.token", "is required for a card");
            // Before anything of the order is kept or sent on (PAY-12).
            case "card" or "cod" when CardNumbers.Appears(request.PaymentMethod.Token):
                throw Fault.InvalidArgument(
                    Payments.V1.Reason.CardNumberRefused,
                    "payment_method.token",
                    "has a card number in it; only a provider's tokens are taken"
                );
            case "card" or "cod":
                break;
            default:
                throw Fault.InvalidArgument("payment_method.type", "must be card or cod");
        }

        for (var i = 0; i < request.Items.Count; i++)
        {
            if (request.Items[i].Quantity is < 1 or > QuantityMax)
                throw Fault.InvalidArgument($"items[{i}].quantity", $"must be 1 to {QuantityMax}");
            if (request.Items[i].Sku.Length == 0 && request.Items[i].ProductId.Length == 0)
                throw Fault.InvalidArgument($"items[{i}].sku", "or product_id is required");
        }

        return requestId;
    }

    // How long the caller waits is no part of what it asks for.
    private static byte[] HashOf(CreateOrderRequest request)
    {
        var identity = request.Clone();
        identity.RequestId = "";
        identity.WaitSeconds = 0;
        return SHA256.HashData(identity.ToByteArray());
    }

    private async Task<Guid?> PlacedBeforeAsync(
        string buyer,
        Guid requestId,
        byte[] hash,
        CancellationToken cancellationToken
    )
    {
        var placed = await db.OneAsync(
            CreateOrderPlacedSql,
            [buyer, requestId],
            row => (Id: row.GetGuid(0), Hash: row.GetFieldValue<byte[]>(1)),
            cancellationToken
        );
        if (placed is not { } order)
            return null;
        return order.Hash.AsSpan().SequenceEqual(hash)
            ? order.Id
            : throw Fault.Aborted(
                Type.Reason.IdempotencyMismatch,
                "The Idempotency-Key was used before with another order."
            );
    }

    private const string CreateOrderPlacedSql = """
        select id, request_hash from orders where user_id = $1 and request_id = $2
        """;

    // What the cart will not price cannot be ordered, for the same reason; our callers know of no cart.
    private async Task<CartSummary> QuoteAsync(
        CreateOrderRequest request,
        string buyer,
        CancellationToken token
    )
    {
        try
        {
            return await checkout.Carts.QuoteItemsAsync(
                QuoteOf(request, buyer),
                await checkout.Mesh.AsServiceAsync(QuoteTimeout, token)
            );
        }
        catch (RpcException fault)
        {
            throw Fault.Adopted<Reason>(fault);
        }
    }

    private static QuoteItemsRequest QuoteOf(CreateOrderRequest request, string buyer)
    {
        var quote = new QuoteItemsRequest { UserId = buyer, Country = request.ShippingAddress.Country };
        quote.Items.Add(
            request.Items.Select(item => new QuoteItem
            {
                ProductId = item.ProductId,
                Sku = item.Sku,
                Quantity = item.Quantity,
                ExpectedPrice = item.Price,
            })
        );
        return quote;
    }

    private async Task<bool> InsertAsync(
        DbTransaction tx,
        Guid orderId,
        string buyer,
        Guid requestId,
        byte[] hash,
        CreateOrderRequest request,
        CartSummary quote
    )
    {
        var shipping = JsonFormatter.Default.Format(request.ShippingAddress);
        var billing = request.BillingAddress is { } other ? JsonFormatter.Default.Format(other) : shipping;
        var inserted = await tx.ExecuteAsync(
            CreateOrderSql,
            [
                orderId,
                OrderNumbers.Of(orderId),
                buyer,
                quote.Currency,
                quote.Subtotal.MinorUnits,
                quote.Discount.MinorUnits,
                quote.Tax.MinorUnits,
                quote.Shipping.MinorUnits,
                quote.Total.MinorUnits,
                shipping,
                billing,
                quote.Coupons.ToArray(),
                request.PaymentMethod.Type,
                request.PaymentMethod.Token,
                requestId,
                hash,
                clock.GetUtcNow(),
            ],
            tx.CancellationToken
        );
        if (inserted == 0)
            return false;
        var lines = quote.Items;
        tx.Defer(
            CreateOrderItemsSql,
            [
                orderId,
                lines.Select(_ => Ids.New(clock)).ToArray(),
                lines.Select(line => line.ProductId).ToArray(),
                lines.Select(line => line.Sku).ToArray(),
                lines.Select(line => line.Name).ToArray(),
                lines.Select(line => line.SellerId).ToArray(),
                lines.Select(line => line.Quantity).ToArray(),
                lines.Select(line => line.Price.MinorUnits).ToArray(),
            ]
        );
        return true;
    }

    private const string CreateOrderSql = """
        insert into orders (id, order_number, user_id, status, currency, subtotal_minor, discount_minor,
                            tax_minor, shipping_fee_minor, total_minor, shipping_address, billing_address,
                            coupons,
                            payment_method, payment_token, payment_status, request_id, request_hash, workflow,
                            created_at, updated_at)
        values ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10::jsonb, $11::jsonb, $12, $13, $14,
                'pending', $15, $16, 'checkout', $17, $17)
            on conflict (user_id, request_id) do nothing
        """;

    private const string CreateOrderItemsSql = """
        insert into order_items (order_id, line, id, product_id, sku, name, seller_id, quantity,
                                 unit_price_minor, total_price_minor, status)
        select $1, l.line, l.id, l.product_id, l.sku, l.name, l.seller_id, l.quantity, l.unit_price,
               l.unit_price * l.quantity, 'pending'
          from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::bigint[])
               with ordinality as l (id, product_id, sku, name, seller_id, quantity, unit_price, line)
        """;

    /// <summary>
    /// The order, after waiting as long as the caller wishes; without a wish, until its stock is decided, so
    /// that a sold-out order is told at once.
    /// </summary>
    private async Task<Order> AnswerAsync(
        Guid orderId,
        TimeSpan wait,
        bool isNew,
        CancellationToken cancellationToken
    )
    {
        using var waiters = checkout.Signals.Listen(orderId);
        if (isNew)
            await checkout.Launcher.StartCheckoutAsync(orderId, cancellationToken);
        var stage = wait > TimeSpan.Zero ? CheckoutStage.Final : CheckoutStage.StockDecided;
        // Asked before the row is read: a stage that is reached while we read is then still news to us.
        var isReached = waiters.HasReached(stage);
        // An order that was just inserted is pending: reading it before the first news would tell nothing.
        var order = isNew && !isReached ? null : await ReadAsync();
        var until =
            stage == CheckoutStage.Final
                ? clock.GetUtcNow() + wait
                : (order?.CreatedAt.ToDateTimeOffset() ?? clock.GetUtcNow()) + StockPatience;
        while (!IsAnswer() && until - clock.GetUtcNow() is var left && left > TimeSpan.Zero)
        {
            isReached = await waiters.NextLookAsync(stage, isReached, left, cancellationToken);
            order = await ReadAsync();
        }

        return await RefusedOrAsync(order ?? await ReadAsync(), orderId, cancellationToken);

        // An order that waits for its buyer is an answer too: only they can bring it on.
        bool IsAnswer() =>
            order is not null
            && (
                OrderStates.IsFinal(order.Status)
                || order.PaymentAction is not null
                || (stage == CheckoutStage.StockDecided && isReached)
            );

        async Task<Order> ReadAsync() =>
            await OrderRows.GetAsync(db, orderId, cancellationToken)
            ?? throw new InvalidOperationException($"There is no order {orderId}.");
    }

    // What the buyer could have known before is an error of the call, so that an app needs no second look
    // (V5).
    private async Task<Order> RefusedOrAsync(Order order, Guid orderId, CancellationToken cancellationToken)
    {
        if (order.Failure?.Reason != Reasons.OutOfStock)
            return order;
        var metadata = await db.ListAsync(
            CreateOrderFailureSql,
            [orderId],
            row => (row.GetString(0), row.GetString(1)),
            cancellationToken
        );
        throw Fault.Aborted(
            Reason.OutOfStock,
            order.Failure.Message,
            [("order_id", order.OrderId), .. metadata.Where(fact => fact.Item1 != "order_id")]
        );
    }

    private const string CreateOrderFailureSql = """
        select fact.key, fact.value
          from orders, jsonb_each_text(failure_metadata) as fact
         where id = $1
         limit 20
        """;
}
