using Souk.Payments.V1;

namespace Souk.Identity;

/// <summary>What identity learns from others' events.</summary>
internal sealed class IdentityEvents : IEventHandlers
{
    /// <inheritdoc />
    public void Subscribe(EventMap on) => on.On<PaymentCompleted>("payment.completed", RememberCardAsync);

    // U-03 shows a buyer the cards that paid before. Cash has no brand.
    private static async Task RememberCardAsync(PaymentCompleted payment, EventContext context)
    {
        if (payment.CardBrand.Length == 0 || !Ids.TryParse("user", payment.UserId, out var userId))
            return;
        await context.Tx.ExecuteAsync(
            RememberCardSql,
            [userId, payment.CardBrand, payment.CardLast4, payment.CompletedAt.ToDateTimeOffset()],
            context.CancellationToken
        );
    }

    private const string RememberCardSql = """
        insert into payment_method as m (user_id, brand, last4, last_used_at)
        values ($1, $2, $3, $4)
            on conflict (user_id, brand, last4) do update
           set last_used_at = greatest(m.last_used_at, excluded.last_used_at)
        """;
}
