using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Souk.Cart.V1;

namespace Souk.Cart;

/// <summary>Announces carts that end within a day, each once per last change of the cart (CART-08).</summary>
internal sealed class CartReminders(
    Db db,
    CartStore carts,
    Outbox outbox,
    TimeProvider clock,
    ILogger<CartReminders> logger
) : BackgroundJob(TimeSpan.FromMinutes(1), clock, logger)
{
    private const int BatchMax = 100;
    private static readonly TimeSpan Ahead = TimeSpan.FromHours(24);

    /// <inheritdoc />
    public override Task<bool> RunOnceAsync(CancellationToken token) =>
        db.InTransactionAsync(
            async tx =>
            {
                var now = Clock.GetUtcNow();
                var due = await tx.ListAsync(
                    CartRemindersSql,
                    [now + Ahead, now, BatchMax],
                    row => (UserId: row.GetString(0), Announced: row.GetBoolean(1)),
                    token
                );
                foreach (var (userId, announced) in due)
                    await LookAsync(tx, userId, announced, now);
                return due.Count == BatchMax;
            },
            token
        );

    private const string CartRemindersSql = """
        select user_id, announced
          from cart_expiry
         where (not announced and expires_at <= $1) or (announced and expires_at <= $2)
         order by expires_at, user_id
         limit $3
           for update skip locked
        """;

    // The note may be older than the cart, as it is written behind it: the cart decides.
    private async Task LookAsync(DbTransaction tx, string userId, bool announced, DateTimeOffset now)
    {
        var cart = await carts.GetAsync(userId, tx.CancellationToken);
        if (cart.ExpiresAt is not { } end)
        {
            tx.Defer(CartRemindersOverSql, [userId]);
            return;
        }

        var isNear = end <= now + Ahead;
        tx.Defer(CartRemindersNextSql, [userId, end, cart.Items.Count, isNear]);
        if (isNear && !announced && cart.Items.Count > 0)
            outbox.Add(
                tx,
                "cart.expiring",
                new CartExpiring
                {
                    UserId = userId,
                    ExpiresAt = Timestamp.FromDateTimeOffset(end),
                    ItemCount = cart.Items.Count,
                }
            );
    }

    private const string CartRemindersOverSql = "delete from cart_expiry where user_id = $1";

    private const string CartRemindersNextSql = """
        update cart_expiry set expires_at = $2, item_count = $3, announced = $4 where user_id = $1
        """;
}
