using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Souk.Cart;

/// <summary>
/// Notes when carts end, a second behind the carts and many at a time: a change of a cart must not wait for a
/// second database. What is noted when the process dies is lost with it and noted again by the cart's next
/// change.
/// </summary>
internal sealed class CartExpiries(Db db, TimeProvider clock, ILogger<CartExpiries> logger)
    : BackgroundJob(TimeSpan.FromSeconds(1), clock, logger)
{
    private const int BatchMax = 1_000;
    private const int NotedMax = 100_000;
    private readonly ConcurrentDictionary<string, CartDocument> _noted = new();

    /// <summary>Notes a cart as it is now. Beyond a hundred thousand unwritten notes new carts are not
    /// noted.</summary>
    public void Note(CartDocument cart)
    {
        if (_noted.Count < NotedMax || _noted.ContainsKey(cart.UserId))
            _noted[cart.UserId] = cart;
    }

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        var batch = _noted.Values.Take(BatchMax).ToList();
        if (batch.Count == 0)
            return false;
        await db.ExecuteAsync(
            NoteExpiriesSql,
            [
                batch.Select(cart => cart.UserId).ToArray(),
                batch.Select(cart => cart.ExpiresAt ?? Clock.GetUtcNow()).ToArray(),
                batch.Select(cart => cart.Items.Count).ToArray(),
            ],
            token
        );
        foreach (var cart in batch)
            _noted.TryRemove(KeyValuePair.Create(cart.UserId, cart)); // a newer note stays
        return batch.Count == BatchMax;
    }

    private const string NoteExpiriesSql = """
        insert into cart_expiry (user_id, expires_at, item_count)
        select user_id, expires_at, item_count
          from unnest($1::text[], $2::timestamptz[], $3::int[]) as noted (user_id, expires_at, item_count)
            on conflict (user_id) do update
           set expires_at = excluded.expires_at, item_count = excluded.item_count
        """;
}
