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
                // The row goes with the announcement; the cart's next change writes it anew.
                var due = await tx.ListAsync(
                    CartRemindersSql,
                    [Clock.GetUtcNow() + Ahead, BatchMax],
                    row => row.GetString(0),
                    token
                );
                foreach (var userId in due)
                    await AnnounceAsync(tx, userId, token);
                return due.Count == BatchMax;
            },
            token
        );

    private const string CartRemindersSql = """
        delete from cart_expiry
         where user_id in (
           select user_id from cart_expiry where expires_at <= $1 order by expires_at, user_id limit $2
              for update skip locked
         )
        returning user_id
        """;

    // The note may be older than the cart, as it is written behind it: the cart decides.
    private async Task AnnounceAsync(DbTransaction tx, string userId, CancellationToken token)
    {
        var cart = await carts.GetAsync(userId, token);
        if (cart.Items.Count == 0 || cart.ExpiresAt is not { } end)
            return;
        if (end > Clock.GetUtcNow() + Ahead)
            tx.Defer(CartRemindersAgainSql, [userId, end, cart.Items.Count]);
        else
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

    private const string CartRemindersAgainSql = """
        insert into cart_expiry (user_id, expires_at, item_count) values ($1, $2, $3)
            on conflict (user_id) do nothing
        """;
}
