using Google.Protobuf.WellKnownTypes;
using Souk.Ordering.V1;

namespace Souk.Ordering;

/// <summary>What ordering publishes.</summary>
internal static class OrderEvents
{
    /// <summary>
    /// The order, which must have its items, was confirmed: apart from the event, its buyer is written to and
    /// the sale is counted.
    /// </summary>
    public static void Created(Outbox outbox, DbTransaction tx, Order order, DateTimeOffset now)
    {
        var created = new OrderCreated
        {
            OrderId = order.OrderId,
            UserId = order.UserId,
            Total = order.Total,
            Coupons = { order.Coupons },
            ConfirmedAt = Timestamp.FromDateTimeOffset(now),
        };
        created.Items.Add(
            order.Items.Select(item => new OrderCreatedItem
            {
                ProductId = item.ProductId,
                Sku = item.Sku,
                SellerId = item.SellerId,
                Quantity = item.Quantity,
            })
        );
        outbox.Add(tx, "order.created", created);
        Mail(outbox, tx, order, "order_confirmed");
        Count(outbox, tx, order, "order_confirmed", now);
    }

    /// <summary>The order's status or day of delivery changed, or its payment was given back.</summary>
    public static void Updated(Outbox outbox, DbTransaction tx, Order order, DateTimeOffset now) =>
        outbox.Add(
            tx,
            "order.updated",
            new OrderUpdated
            {
                OrderId = order.OrderId,
                UserId = order.UserId,
                Status = order.Status,
                EstimatedDelivery = order.EstimatedDelivery,
                ChangedAt = Timestamp.FromDateTimeOffset(now),
            }
        );

    /// <summary>The buyer is to be written to.</summary>
    public static void Mail(Outbox outbox, DbTransaction tx, Order order, string template) =>
        outbox.Add(
            tx,
            "notification.email",
            new NotificationEmail
            {
                UserId = order.UserId,
                Template = template,
                OrderId = order.OrderId,
            }
        );

    /// <summary>Something worth counting happened.</summary>
    public static void Count(Outbox outbox, DbTransaction tx, Order order, string name, DateTimeOffset now) =>
        outbox.Add(
            tx,
            "analytics.event",
            new AnalyticsEvent
            {
                Name = name,
                UserId = order.UserId,
                OrderId = order.OrderId,
                Total = order.Total,
                OccurredAt = Timestamp.FromDateTimeOffset(now),
            }
        );
}
