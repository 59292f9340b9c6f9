using Google.Protobuf.WellKnownTypes;
using Souk.Ordering.V1;

namespace Souk.Ordering;

/// <summary>What ordering publishes after an order was confirmed, failed or changed.</summary>
internal static class OrderEvents
{
    /// <summary>The order's status or day of delivery changed, or its payment was given back.</summary>
    public static void Changed(Outbox outbox, DbTransaction tx, Order order, DateTimeOffset now) =>
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
