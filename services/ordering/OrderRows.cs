using Google.Protobuf;
using Npgsql;
using Souk.Ordering.V1;
using Souk.Type;

namespace Souk.Ordering;

/// <summary>Orders as rows: the one place where their columns become messages, for RPCs and workflow steps
/// alike.</summary>
internal static class OrderRows
{
    /// <summary>The prefix of an order's id.</summary>
    public const string OrderPrefix = "ord";

    /// <summary>The prefix of an order line's id.</summary>
    public const string ItemPrefix = "oit";

    /// <summary>The columns of an order, in the order that <see cref="Read"/> takes them.</summary>
    public const string Columns = """
        id, order_number, user_id, status, currency, subtotal_minor, discount_minor, tax_minor,
        shipping_fee_minor, total_minor, shipping_address::text, billing_address::text, payment_method,
        payment_status, payment_id, payment_action_url, failure_reason, failure_message, estimated_delivery,
        coupons, shipped_at, delivered_at, created_at, updated_at
        """;

    /// <summary>An order with its items, or null.</summary>
    public static async Task<Order?> GetAsync(DbQueries db, Guid id, CancellationToken cancellationToken)
    {
        var order = await db.OneAsync(GetOrderSql, [id], Read, cancellationToken);
        if (order is not null)
            await AddItemsAsync(db, order, cancellationToken);
        return order;
    }

    private const string GetOrderSql = $"select {Columns} from orders where id = $1";

    /// <summary>Fills in the items of one order.</summary>
    public static async Task AddItemsAsync(DbQueries db, Order order, CancellationToken cancellationToken)
    {
        var items = await db.ListAsync(
            GetOrderItemsSql,
            [Ids.Parse(OrderPrefix, order.OrderId)],
            row => ReadItem(row, order.Currency),
            cancellationToken
        );
        foreach (var item in items)
            AddItem(order, item);
    }

    // Not the list's statement with one id: PostgreSQL plans "= any($1)" anew at each call, as its plan for
    // any array expects ten ids and looks dearer; the plan of "= $1" it keeps.
    private const string GetOrderItemsSql = $"""
        select {ItemColumns} from order_items where order_id = $1 order by line
        """;

    /// <summary>Fills in the items of these orders with one query.</summary>
    public static async Task AddItemsAsync(
        DbQueries db,
        IReadOnlyCollection<Order> orders,
        CancellationToken cancellationToken
    )
    {
        var byId = orders.ToDictionary(order => Ids.Parse(OrderPrefix, order.OrderId));
        var items = await db.ListAsync(
            ListOrderItemsSql,
            [byId.Keys.ToArray()],
            row => (OrderId: row.GetGuid(0), Item: ReadItem(row, byId[row.GetGuid(0)].Currency)),
            cancellationToken
        );
        foreach (var (orderId, item) in items)
            AddItem(byId[orderId], item);
    }

    private const string ListOrderItemsSql = $"""
        select {ItemColumns} from order_items where order_id = any($1) order by order_id, line
        """;

    private const string ItemColumns = """
        order_id, id, product_id, sku, name, seller_id, quantity, unit_price_minor, total_price_minor, status,
        tracking_number
        """;

    private static void AddItem(Order order, OrderItem item)
    {
        order.Items.Add(item);
        if (order.TrackingNumber.Length == 0)
            order.TrackingNumber = item.TrackingNumber;
    }

    /// <summary>Reads a row of <see cref="Columns"/>.</summary>
    public static Order Read(NpgsqlDataReader row)
    {
        var currency = row.GetString(4);
        var order = new Order
        {
            OrderId = row.Id(OrderPrefix, 0),
            OrderNumber = row.GetString(1),
            UserId = row.GetString(2),
            Status = OrderStates.Parse(row.GetString(3)),
            Currency = currency,
            Subtotal = Amount(row, 5, currency),
            Discount = Amount(row, 6, currency),
            Tax = Amount(row, 7, currency),
            ShippingFee = Amount(row, 8, currency),
            Total = Amount(row, 9, currency),
            ShippingAddress = JsonParser.Default.Parse<Address>(row.GetString(10)),
            BillingAddress = JsonParser.Default.Parse<Address>(row.GetString(11)),
            PaymentMethod = row.GetString(12),
            PaymentStatus = row.GetString(13),
            PaymentId = row.GetString(14),
            EstimatedDelivery = row.IsDBNull(18) ? "" : Day(row.GetFieldValue<DateOnly>(18)),
            ShippedAt = row.Timestamp(20),
            DeliveredAt = row.Timestamp(21),
            CreatedAt = row.Timestamp(22),
            UpdatedAt = row.Timestamp(23),
        };
        if (row.GetString(15) is { Length: > 0 } url && order.Status == OrderStatus.Pending)
            order.PaymentAction = new PaymentAction { Type = "redirect", Url = url };
        if (row.GetString(16) is { Length: > 0 } reason)
            order.Failure = new OrderFailure { Reason = reason, Message = row.GetString(17) };
        order.Coupons.Add(row.GetFieldValue<string[]>(19));
        return order;
    }

    /// <summary>A day as the contract writes it.</summary>
    public static string Day(DateOnly day) =>
        day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private static OrderItem ReadItem(NpgsqlDataReader row, string currency) =>
        new()
        {
            OrderItemId = row.Id(ItemPrefix, 1),
            ProductId = row.GetString(2),
            Sku = row.GetString(3),
            Name = row.GetString(4),
            SellerId = row.GetString(5),
            Quantity = row.GetInt32(6),
            UnitPrice = Amount(row, 7, currency),
            TotalPrice = Amount(row, 8, currency),
            Status = Enum.Parse<OrderItemStatus>(row.GetString(9), ignoreCase: true),
            TrackingNumber = row.GetString(10),
        };

    private static Type.Money Amount(NpgsqlDataReader row, int column, string currency) =>
        new() { Currency = currency, MinorUnits = row.GetInt64(column) };
}
