using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Souk.Cart;

/// <summary>
/// Notes when carts end: a new cart before it is stored, so that none ends in silence (K7), and a change of
/// it a second behind, many at a time, as it must not wait for a second database. A note that is lost with
/// the process is made up for when the one before falls due (<see cref="CartReminders"/>).
/// </summary>
internal sealed partial class CartExpiries(Db db, TimeProvider clock, ILogger<CartExpiries> logger)
    : BackgroundJob(TimeSpan.FromSeconds(1), clock, logger)
{
    private const int BatchMax = 1_000;
    private const int NotedMax = 100_000;
    private static readonly TimeSpan FirstNotePatience = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _clock = clock;
    private readonly ILogger _logger = logger;
    private readonly ConcurrentDictionary<string, CartDocument> _noted = new();

    /// <summary>Notes a cart as it is now, soon. Beyond a hundred thousand unwritten notes only carts that
    /// have one are noted.</summary>
    public void Note(CartDocument cart)
    {
        if (_noted.Count < NotedMax || _noted.ContainsKey(cart.UserId))
            _noted[cart.UserId] = cart;
    }

    /// <summary>Notes a cart that is about to be; soon, without the database, which carts can do
    /// without.</summary>
    public async Task NoteFirstAsync(CartDocument cart, CancellationToken token)
    {
        using var late = new CancellationTokenSource(FirstNotePatience, _clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(token, late.Token);
        try
        {
            await WriteAsync([cart], patience.Token);
        }
        catch (Exception e)
            when (e is NpgsqlException or OperationCanceledException && !token.IsCancellationRequested)
        {
            LogLater(_logger, e.Message);
            Note(cart);
        }
    }

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        var batch = _noted.Values.Take(BatchMax).ToList();
        if (batch.Count == 0)
            return false;
        await WriteAsync(batch, token);
        foreach (var cart in batch)
            _noted.TryRemove(KeyValuePair.Create(cart.UserId, cart)); // a newer note stays
        return batch.Count == BatchMax;
    }

    private Task WriteAsync(IReadOnlyCollection<CartDocument> batch, CancellationToken token) =>
        db.ExecuteAsync(
            NoteExpiriesSql,
            [
                batch.Select(cart => cart.UserId).ToArray(),
                batch.Select(cart => cart.ExpiresAt ?? Clock.GetUtcNow()).ToArray(),
                batch.Select(cart => cart.Items.Count).ToArray(),
            ],
            token
        );

    private const string NoteExpiriesSql = """
        insert into cart_expiry (user_id, expires_at, item_count)
        select user_id, expires_at, item_count
          from unnest($1::text[], $2::timestamptz[], $3::int[]) as noted (user_id, expires_at, item_count)
            on conflict (user_id) do update
           set expires_at = excluded.expires_at, item_count = excluded.item_count, announced = false
        """;

    [LoggerMessage(LogLevel.Warning, "A new cart's end is noted later: {Problem}")]
    private static partial void LogLater(ILogger logger, string problem);
}
