using Microsoft.Extensions.Logging;

namespace Souk.Identity;

/// <summary>Deletes refresh tokens that have expired: from then on unknown and expired are the same
/// answer.</summary>
internal sealed class TokenCleanup(Db db, TimeProvider clock, ILogger<TokenCleanup> logger)
    : BackgroundJob(TimeSpan.FromHours(1), clock, logger)
{
    private const int BatchMax = 5_000;

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token) =>
        await db.ExecuteAsync(TokenCleanupSql, [Clock.GetUtcNow(), BatchMax], token) == BatchMax;

    private const string TokenCleanupSql = """
        delete from refresh_token
         where token_hash in (select token_hash from refresh_token where expires_at <= $1 limit $2)
        """;
}
